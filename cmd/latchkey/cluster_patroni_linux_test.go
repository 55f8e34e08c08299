package main

import (
	"database/sql"
	"net"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

const patroniHeading = "### PostgreSQL under Patroni"

// Patroni and HAProxy, set up as OPERATIONS.md shows them, move the primary and survive the end of its machine: no client is signed out, and no
// acknowledged revocation is undone.
func TestClusterUnderPatroni(t *testing.T) {
	if !crashSoak {
		t.Skip("takes minutes: make soak-cluster")
	}
	haproxy, configuration, proxy := tool(t, "haproxy"), manualBlocks(t, patroniHeading, "yaml"), manualBlocks(t, patroniHeading, "haproxy")
	if len(configuration) != 1 || len(proxy) != 1 {
		t.Fatalf("%d, %d blocks", len(configuration), len(proxy))
	}
	var report clusterReport
	for name, strike := range map[string]func(*clusterRun, *modelstest.Patroni){
		"Patroni: a switchover":                  patroniSwitchover,
		"Patroni: kill -9 of the primary's node": patroniKill,
	} {
		t.Run(name, func(t *testing.T) {
			nodes := modelstest.StartPatroni(t, configuration[0])
			address := modelstest.FreeAddress(t)
			one, two := nodes.Nodes[0], nodes.Nodes[1]
			_, firstAPI, _ := net.SplitHostPort(one.API)
			_, secondAPI, _ := net.SplitHostPort(two.API)
			runHAProxy(t, haproxy, address, replaced(t, proxy[0], "10.0.0.5:5432", address,
				"10.0.0.11:5432 check port 8008", one.Server+" check port "+firstAPI, "10.0.0.12:5432 check port 8008", two.Server+" check port "+secondAPI))
			nodes.Roles()
			url := nodes.URL(address)
			leadsToPrimary(t, url)
			c := newClusterSite(t, url, url)
			report = append(report, c.under(name, func(run *clusterRun) { strike(run, nodes) }))
		})
	}
	t.Logf("\n%s", report)
}

// leadsToPrimary waits until HAProxy has asked both servers: until then it takes a standby for a primary.
func leadsToPrimary(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxIdleConns(0) // each query gets a connection of its own
	eventually(t, time.Minute, "the proxy leads to the primary alone", func() bool {
		for range 10 {
			var readOnly bool
			if db.QueryRowContext(t.Context(), "SELECT pg_is_in_recovery()").Scan(&readOnly) != nil || readOnly {
				return false
			}
		}
		return true
	})
}

func patroniSwitchover(c *clusterRun, nodes *modelstest.Patroni) {
	primary, standby := nodes.Roles()
	c.must(nodes.Switchover(primary, standby))
	standby.Leads()
	c.goesOn("the switchover")
	nodes.Roles()
}

// patroniKill kills the primary's machine. It comes back as a standby of the one that took over.
func patroniKill(c *clusterRun, nodes *modelstest.Patroni) {
	primary, standby := nodes.Roles()
	c.must(primary.Kill())
	began := time.Now()
	standby.Leads()
	c.t.Logf("the standby leads after %s", time.Since(began).Round(time.Millisecond))
	c.goesOn("the standby leads")
	primary.Start()
	now, _ := nodes.Roles()
	if now != standby {
		c.t.Errorf("%s is the primary", now.Name)
	}
}
