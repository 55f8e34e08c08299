package main

import (
	"net/url"
	"strings"
	"testing"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// needCitus skips a test that is about Citus alone, where the tests do not run on it.
func needCitus(t *testing.T) {
	t.Helper()
	if !modelstest.OnCitus() {
		t.Skip("make test-citus runs it")
	}
}

func TestDoctorLooksAtTheNodesOfCitus(t *testing.T) {
	needCitus(t)
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	database := modelstest.SharedCitus(t).Database(t)
	askDoctor(t, database).want(t, "citus", levelWarning, "Citus 1", "latchkey migrate --distribute")
	must(t, database, "", "migrate")
	askDoctor(t, database).want(t, "citus", levelWarning, "not laid out")
	must(t, database, "", "migrate", "--distribute")
	askDoctor(t, database).want(t, "citus", levelOK, "over 3 nodes", "all of them answer")
	execAt(t, database, "DROP TABLE webhook_messages")
	execAt(t, database, "CREATE TABLE webhook_messages (hook_id text)")
	askDoctor(t, database).want(t, "citus", levelProblem, "no place for webhook_messages", "--distribute")
}

// A worker that is asked knows the others, too.
func TestDoctorMayAskAnyNodeOfCitus(t *testing.T) {
	needCitus(t)
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	nodes := modelstest.SharedCitus(t)
	database := nodes.Distributed(t)
	for node := range 3 {
		askDoctor(t, nodes.At(node, database)).want(t, "citus", levelOK, "over 3 nodes")
	}
}

func TestDoctorJudgesTheNodesOfCitus(t *testing.T) {
	sound := models.CitusCondition{Version: "13.2-1", Distributed: true, Nodes: 3, Recovers: true}
	for name, c := range map[string]struct {
		change func(*models.CitusCondition)
		level  string
		says   string
	}{
		"sound":        {func(*models.CitusCondition) {}, levelOK, "over 3 nodes"},
		"silent":       {func(c *models.CitusCondition) { c.Silent = []string{"db1:5432", "db2:5432"} }, levelProblem, "of its 3 nodes these do not answer: db1:5432, db2:5432"},
		"cut in two":   {func(c *models.CitusCondition) { c.Stale = 2 }, levelProblem, "2 transactions in two phases"},
		"no recovery":  {func(c *models.CitusCondition) { c.Recovers = false }, levelWarning, "citus.recover_2pc_interval"},
		"not laid out": {func(c *models.CitusCondition) { c.Distributed = false }, levelWarning, "not laid out"},
	} {
		condition, d := sound, &doctor{}
		c.change(&condition)
		d.judgeCitus(condition)
		if len(d.findings) != 1 || d.findings[0].Check != "citus" || d.findings[0].Level != c.level || !strings.Contains(d.findings[0].Says, c.says) {
			t.Errorf("%s: %+v", name, d.findings)
		}
	}
}

func TestDoctorSaysNothingOfCitusWhereItIsNot(t *testing.T) {
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	if modelstest.OnCitus() {
		t.Skip("here it is")
	}
	modelstest.EachMigrated(t, func(t *testing.T, database string) {
		for _, f := range askDoctor(t, database).Findings {
			if f.Check == "citus" {
				t.Errorf("%+v", f)
			}
		}
	})
}

// hostOf returns the host and port of a database.
func hostOf(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
