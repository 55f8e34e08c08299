package modelstest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// Main runs the tests of a package, stops the PostgreSQL that they shared,
// removes its directory, and exits. Call it as the package's TestMain; without
// it [Postgres], [Each] and [EachURL] fail, since nothing else in package testing
// runs after the last test.
func Main(m *testing.M) {
	shared.main = true
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintf(os.Stderr, "modelstest: remove the test databases: %v\n", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// unavailable ends a test that needs PostgreSQL on a machine without it, and says so
// once where it cannot be overlooked.
func unavailable(t testing.TB, reason error) {
	t.Helper()
	shout.Do(func() {
		fmt.Fprintf(os.Stderr, `
*** PostgreSQL was NOT tested: %v
*** Half of the store's tests did not run. Install PostgreSQL 15 or newer
*** (Debian: apt-get install postgresql), or name a ready server whose role may
*** create databases: %s=postgres://user:password@host/postgres

`, reason, ServerEnv)
	})
	endWithout(t, reason)
}

var shout sync.Once

// endWithout skips on a developer's machine and fails in CI.
func endWithout(t testing.TB, reason error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("PostgreSQL is missing, and CI is set: %v", reason)
	}
	t.Skipf("PostgreSQL was NOT tested: %v", reason)
}
