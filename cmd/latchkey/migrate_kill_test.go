package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// A process that is killed while it migrates leaves no lock behind: the one that waits applies the migrations.
func TestAKilledMigrationHangsNoOther(t *testing.T) {
	t.Parallel()
	for name, pooled := range map[string]bool{"directly": false, "behind PgBouncer in transaction mode": true} {
		t.Run(name, func(t *testing.T) {
			program := ""
			if pooled {
				program = modelstest.FindNewPgBouncer(t)
			}
			cluster := modelstest.StartCluster(t)
			direct := cluster.URL("latchkey")
			url := direct
			if pooled {
				url = modelstest.StartPgBouncer(t, program, cluster).URL()
			}
			// A table of the same name that is not committed: the first migration waits for what becomes of it.
			block, err := openAt(t, direct).Pools()[0].BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = block.Rollback() }()
			if _, err := block.ExecContext(t.Context(), "CREATE TABLE users (id integer)"); err != nil {
				t.Fatal(err)
			}
			killed := launch(t, on(url), "migrate")
			look := crashLook(t, direct)
			waiting := func() bool {
				return crashNumber(t, look, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'latchkey' AND wait_event_type = 'Lock'") > 0
			}
			eventually(t, time.Minute, "the first one migrates", waiting)
			next := launch(t, on(url), "migrate")
			time.Sleep(time.Second) // it finds the lock taken
			if got := next.stdout.String() + next.stderr.String(); got != "" {
				t.Errorf("the second one did not wait: %s", got)
			}
			if err := killed.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-killed.ended
			if err := block.Rollback(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			o := next.end(t, time.Minute)
			if took := time.Since(began); o.code != 0 || !strings.HasPrefix(o.stdout, "Applied ") || took > 20*time.Second {
				t.Errorf("after %s: exit %d, %s%s", took, o.code, o.stdout, o.stderr)
			}
			t.Logf("the second one was done %s after the kill", time.Since(began).Round(time.Millisecond))
		})
	}
}
