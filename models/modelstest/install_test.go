package modelstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestWithoutPostgresAMachineSkipsAndCIFails(t *testing.T) {
	_, err := firstInstall([]string{t.TempDir()})
	if !errors.Is(err, errNoPostgres) {
		t.Fatalf("firstInstall of an empty directory: %v", err)
	}
	for ci, want := range map[string]string{"": "skipped", "true": "failed"} {
		t.Setenv("CI", ci)
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() { defer close(done); endWithout(r, err) }()
		<-done
		if r.verdict != want {
			t.Errorf("CI=%q: %s, want %s", ci, r.verdict, want)
		}
	}
}

// recorder notes how a test ended instead of ending it.
type recorder struct {
	testing.TB
	verdict string
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.verdict = "skipped"; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.verdict = "failed"; runtime.Goexit() }

func TestTheNewestInstallIsPreferred(t *testing.T) {
	if majorVersion("/usr/lib/postgresql/9.6/bin") >= majorVersion("/usr/lib/postgresql/15/bin") ||
		majorVersion("/usr/lib/postgresql/15/bin") >= majorVersion("/usr/lib/postgresql/101/bin") {
		t.Error("versions are compared as text")
	}
	empty, full := t.TempDir(), t.TempDir()
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(full, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if in, err := firstInstall([]string{empty, full}); err != nil || filepath.Dir(in.initdb) != full {
		t.Errorf("firstInstall = %v, %v", in, err)
	}
}

func TestAnUnreachableTemporaryDirectoryIsNotUsed(t *testing.T) {
	private := t.TempDir() // its parent is 0700
	t.Setenv("TMPDIR", private)
	base, err := baseDirectory(account{uid: 12345, gid: 12345, other: true})
	if err != nil || base == private {
		t.Errorf("another user is sent to %s (%v)", base, err)
	}
	t.Setenv("TMPDIR", fmt.Sprintf("%s/%070d", private, 1))
	if err := os.Mkdir(os.Getenv("TMPDIR"), 0o755); err != nil {
		t.Fatal(err)
	}
	if base, err := baseDirectory(account{}); err != nil || len(base) > 70 {
		t.Errorf("the socket's path would be too long in %s (%v)", base, err)
	}
}
