package main

import (
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// A pooler whose connections are all taken is no database that is down, and no pooler in a mode that cannot work.
func TestDoctorTellsAPoolerWithoutAFreeConnection(t *testing.T) {
	t.Parallel()
	program := modelstest.FindPgBouncer(t)
	cluster := modelstest.StartCluster(t)
	pooler := modelstest.StartPgBouncer(t, program, cluster, "pool_mode", "session", "max_prepared_statements", "", "default_pool_size", "2")
	settings := on(pooler.URL())
	if o := launch(t, settings, "migrate").end(t, time.Minute); o.code != 0 {
		t.Fatal(o.stderr)
	}
	holder := openAt(t, pooler.URL())
	for range 2 {
		conn, err := holder.Pools()[0].Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(t.Context(), "SELECT 1"); err != nil { // from its first statement on it has a connection of the pooler
			t.Fatal(err)
		}
	}
	r := readReport(t, launch(t, settings, "doctor", "--json").end(t, time.Minute))
	r.want(t, "database", levelProblem, "query_wait_timeout", "raise its default_pool_size, or lower LATCHKEY_DB_CONNS")
}
