// Package modelstest hands tests a real, empty database: every test of the
// store runs over SQLite and over PostgreSQL, and neither is a stand-in.
//
// It is a package of its own because the tests of models, auth, web and cmd all
// need it, and because nothing of it may be linked into the program.
//
//	func TestMain(m *testing.M) { modelstest.Main(m) }
//
//	func TestRename(t *testing.T) {
//		modelstest.Each(t, func(t *testing.T, s *models.Store) { … })
//	}
//
// # Where PostgreSQL comes from
//
// The first test of a process that wants it starts a server of its own: initdb
// in a temporary directory, 127.0.0.1 only, a random password, no persistence
// promised (fsync=off). It never runs as root: a test run by root starts it as
// the operating system user "postgres". [Main] removes it; if the test process
// is killed, the kernel stops the server (Linux) and the next run removes the
// directory.
//
// LATCHKEY_TEST_POSTGRES=postgres://… names a ready server instead. Its role
// needs CREATEDB; databases are made there as latchkey_test_… and dropped again.
//
// Where there is neither, the PostgreSQL half is skipped with a notice on
// standard error (go test shows it for a single package, and with -v). With CI
// set to anything it is a failure: a pipeline must not lose half of its tests
// in silence.
package modelstest
