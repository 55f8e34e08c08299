package models_test

import (
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// A transaction in two phases that stays after a crash holds its rows: the doctor finds it on whichever node it lies.
func TestTheConditionOfCitusCountsTransactionsThatAreLeftBehind(t *testing.T) {
	needCitus(t)
	nodes := modelstest.SharedCitus(t)
	url := nodes.Distributed(t)
	s, worker := open(t, models.Config{URL: url, Conns: 4}), open(t, models.Config{URL: nodes.At(1, url), Conns: 1})
	conn, err := worker.Pools()[0].Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(statement string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	stale := func(after time.Duration) int {
		t.Helper()
		c, err := s.CitusCondition(t.Context(), after)
		if err != nil || c == nil || c.Nodes != 3 || len(c.Silent) > 0 || len(c.Missing) > 0 || !c.Distributed || !c.Recovers {
			t.Fatalf("%+v, %v", c, err)
		}
		return c.Stale
	}
	if n := stale(0); n != 0 {
		t.Errorf("%d before there is one", n)
	}
	run("BEGIN")
	run("PREPARE TRANSACTION 'left behind'")
	defer run("ROLLBACK PREPARED 'left behind'") // or the database cannot be dropped
	if n, fresh := stale(0), stale(time.Hour); n != 1 || fresh != 0 {
		t.Errorf("%d of one, %d of none that is an hour old", n, fresh)
	}
}
