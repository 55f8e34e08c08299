package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// manualBlocks are the blocks of a language that OPERATIONS.md has under a heading, in order.
func manualBlocks(t *testing.T, heading, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repoRoot, "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("OPERATIONS.md has no heading %q", heading)
	}
	section = regexp.MustCompile(`(?m)^##+ `).Split(section, 2)[0]
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, found[1])
	}
	return blocks
}

// manualRun runs a block of OPERATIONS.md at a cluster, with the paths of the test in the place of its own. What does not stand in it cannot be
// replaced: then it says something else than the test means.
func manualRun(t *testing.T, c *modelstest.Cluster, s *restoreStory, block string, pairs ...string) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	block = replaced(t, block, pairs...)
	if _, err := c.Shell("PATH=$PATH:"+filepath.Dir(program.path)+"\n"+block, s.settings...); err != nil {
		t.Fatalf("%s\n%v", block, err)
	}
}

// Each copy is put back under people who worked on after it was made: what happens to them is what OPERATIONS.md says.
func TestARestoreOfSQLiteUndoesWhatTheManualSays(t *testing.T) {
	t.Parallel()
	url := modelstest.SQLite(t)
	s := newRestoreStory(t, url)
	kept := filepath.Join(t.TempDir(), "kept.db")
	s.latchkey("", "backup", kept)
	s.goesOn()
	s.stop()
	s.latchkey("", "restore", kept, "--replace")
	s.start()
	whoami(t, s.base(), s.lostAccess).want(t, 200) // at resource servers, too
	s.isAsOperationsSays()
	s.everyoneOut()
}

func TestADumpOfPostgreSQLIsRestoredByTheManual(t *testing.T) {
	t.Parallel()
	c := modelstest.StartCluster(t)
	backups, err := c.Folder("backup")
	if err != nil {
		t.Fatal(err)
	}
	blocks := manualBlocks(t, "### PostgreSQL: a dump", "sh")
	if len(blocks) != 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	s := newRestoreStory(t, c.URL("latchkey"))
	const dumps = "/latchkey-*-*-*-*.dump"
	_, err = c.Shell("LATCHKEY_DATABASE=\n" + replaced(t, blocks[0], "/backup/", backups+"/"))
	if made, _ := filepath.Glob(backups + dumps); err == nil || len(made) != 0 {
		t.Errorf("without the URL: %v, and a file that looks like a dump: %q", err, made)
	}
	manualRun(t, c, s, blocks[0], "/backup/", backups+"/")
	made, err := filepath.Glob(backups + dumps)
	if err != nil || len(made) != 1 {
		t.Fatalf("%v %v", made, err)
	}
	if info, err := os.Stat(made[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	s.goesOn()
	s.stop()
	manualRun(t, c, s, blocks[1])
	restored, last, ok := strings.Cut(blocks[2], "latchkey migrate\n")
	if !ok || last != "latchkey user sign-out --all\n" {
		t.Fatalf("the last block ends with %q", last)
	}
	manualRun(t, c, s, restored, "/backup/latchkey-2026-11-29-0300.dump", made[0])
	s.start()
	whoami(t, s.base(), s.lostAccess).want(t, 200)
	s.isAsOperationsSays()
	manualRun(t, c, s, "latchkey migrate\n"+last)
	s.noOneIsIn()
	if err := c.Exec("DROP DATABASE latchkey_before"); err != nil {
		t.Errorf("the database from before is not kept: %v", err)
	}
}

func TestPostgreSQLGoesBackToAMomentByTheManual(t *testing.T) {
	t.Parallel()
	const heading = "### PostgreSQL: a base backup and the log"
	settings, blocks := manualBlocks(t, heading, "ini"), manualBlocks(t, heading, "sh")
	if len(settings) != 1 || len(blocks) != 3 {
		t.Fatalf("%d, %d blocks", len(settings), len(blocks))
	}
	c := modelstest.StartCluster(t)
	backups, err := c.Folder("backup")
	if err != nil {
		t.Fatal(err)
	}
	wal, err := c.Folder("wal")
	if err != nil {
		t.Fatal(err)
	}
	restart := func(before func()) {
		t.Helper()
		if err := c.Stop("fast"); err != nil {
			t.Fatal(err)
		}
		before()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	restart(func() {
		if _, err := c.Shell("cat >> " + c.DataDir() + "/postgresql.conf <<'END'\n" + replaced(t, settings[0], "/wal/", wal+"/") + "END"); err != nil {
			t.Fatal(err)
		}
	})
	s := newRestoreStory(t, c.URL("latchkey"))
	manualRun(t, c, s, blocks[0], "/backup/", backups+"/")
	bases, err := filepath.Glob(backups + "/base-*")
	if err != nil || len(bases) != 1 {
		t.Fatalf("%v %v", bases, err)
	}
	s.tablet = refresh(t, s.base(), s.tablet).want(t, 200).field("refresh_token") // is in the log alone
	at, err := c.Shell(`psql --dbname=postgres --tuples-only --no-align --command='SELECT pg_sleep(0.01), clock_timestamp()' | cut -d'|' -f2`)
	if err != nil {
		t.Fatal(err)
	}
	s.goesOn()
	s.stop()
	restart(func() {
		manualRun(t, c, s, blocks[1], "/var/lib/postgresql/15/main", c.DataDir(), "/backup/base-2026-11-29", bases[0], "/wal/", wal+"/", "2026-11-29 14:35:00+00", strings.TrimSpace(at))
	})
	eventually(t, time.Minute, "the server takes writes", func() bool {
		back, err := c.Shell("psql --dbname=postgres --tuples-only --no-align --command='SELECT pg_is_in_recovery()'")
		return err == nil && back == "f\n"
	})
	s.start()
	whoami(t, s.base(), s.lostAccess).want(t, 200)
	s.isAsOperationsSays()
	manualRun(t, c, s, blocks[2])
	s.noOneIsIn()
}

// The standby has not what was acknowledged while it was away, and takes over. The program finds it by itself.
func TestAnAsynchronousFailoverUndoesWhatTheManualSays(t *testing.T) {
	t.Parallel()
	primary := modelstest.StartCluster(t)
	standby := primary.StartStandby(t)
	s := newRestoreStory(t, modelstest.URLOfAll("latchkey", primary, standby))
	s.remembers = true
	if err := standby.Stop("fast"); err != nil {
		t.Fatal(err)
	}
	if err := primary.Exec("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	s.goesOn()
	time.Sleep(3 * time.Second) // the server reads revocations every second
	if err := primary.Stop("immediate"); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the server notices", func() bool {
		return strings.Contains(s.server.stderr.String(), "revocations could not be read")
	})
	if err := standby.Start(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "ready on the standby", func() bool { return get(t, s.base()+"/readyz").status == 200 })
	s.isAsOperationsSays()
	s.everyoneOut()
}
