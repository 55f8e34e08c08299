package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// A copy is made while people are signed in, and put back: they stay signed in, and what came after the copy is gone, but not lost.
func TestABackupIsMadeWhileTheServerRunsAndIsRestored(t *testing.T) {
	url := modelstest.SQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	s := serve(t, url, nil)
	must(t, url, password, "user", "add", ada, "--password-stdin")
	phone := login(t, s.URL(), ada, password, "phone").want(t, 200).field("refresh_token")

	folder := t.TempDir()
	kept := filepath.Join(folder, "kept, 100%?.db")
	if printed := must(t, url, "", "backup", kept); !strings.Contains(printed, "secret") {
		t.Errorf("no word of the secret: %s", printed)
	}
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	first := content(t, kept)
	must(t, url, password, "user", "add", "eve@example.org", "--password-stdin")
	phone = refresh(t, s.URL(), phone).want(t, 200).field("refresh_token")

	command(t, url, "", "backup", kept).refuses(t, 1, kept, "exists")
	command(t, url, "", "restore", kept).refuses(t, 1, path, "there is a database already", "--replace")
	command(t, url, "", "restore", kept, "--replace").refuses(t, 1, "in use", "stop the server")
	if !bytes.Equal(content(t, kept), first) {
		t.Error("the copy was written to")
	}
	phone = refresh(t, s.URL(), phone).want(t, 200).field("refresh_token") // the refused restore harmed nothing
	s.Close()

	printed := must(t, url, "", "restore", kept, "--replace")
	if !strings.Contains(printed, "sign-out --all") {
		t.Errorf("no word of what is undone: %s", printed)
	}
	former, err := filepath.Glob(path + ".before-restore-*")
	if err != nil || len(former) != 1 || !strings.Contains(printed, former[0]) {
		t.Fatalf("%v %v: %s", former, err, printed)
	}
	if list := must(t, "sqlite:"+former[0], "", "user", "list"); !strings.Contains(list, "eve@example.org") {
		t.Errorf("what was there is not kept: %s", list)
	}
	if list := must(t, url, "", "user", "list"); !strings.Contains(list, ada) || strings.Contains(list, "eve@") {
		t.Errorf("not what the copy has: %s", list)
	}
	s = serve(t, url, nil)
	refresh(t, s.URL(), phone).want(t, 200) // a token that is newer than the copy
	s.Close()

	other := filepath.Join(folder, "new", "latchkey.db") // a machine that has no database yet
	must(t, "sqlite:"+other, "", "restore", kept)
	if list := must(t, "sqlite:"+other, "", "user", "list"); !strings.Contains(list, ada) {
		t.Errorf("%s", list)
	}
	leftovers, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("%v %v", leftovers, err)
	}
}

// What is not a sound copy of ours is refused, and what is there stays.
func TestARestoreTakesSoundCopiesOnly(t *testing.T) {
	url := modelstest.SQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	must(t, url, "", "migrate")
	folder := t.TempDir()
	sound := filepath.Join(folder, "sound.db")
	must(t, url, "", "backup", sound)
	file := func(name string, body []byte) string {
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(folder, name)
	}
	changed := func(name string, statements ...string) string {
		to := file(name, content(t, sound))
		db, err := sql.Open("sqlite", to)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, statement := range statements {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	file("logged.db-wal", []byte("what the file does not have"))
	damaged := content(t, sound)
	for i := 4096; i < 3*4096; i++ {
		damaged[i] ^= 0x55
	}
	before := content(t, path)
	for from, words := range map[string][]string{
		file("logged.db", content(t, sound)):        {"logged.db-wal"},
		filepath.Join(folder, "none.db"):            {"no such file"},
		folder:                                      {folder},
		file("empty.db", nil):                       {"no schema"},
		file("text.db", []byte("not a database")):   {"not a database"},
		file("half.db", content(t, sound)[:5*4096]): {"half.db"},
		file("damaged.db", damaged):                 {"damaged.db"},
		changed("newer.db", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"): {"newer than this program", "9999"},
		changed("other.db", "DROP TABLE goose_db_version"):                                            {"another program"},
	} {
		command(t, url, "", "restore", from, "--replace").refuses(t, 1, words...)
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("a refused restore changed the database")
	}
	if list, err := filepath.Glob(path + "?*"); err != nil || len(list) > 0 {
		t.Errorf("left over: %v %v", list, err)
	}
	foreign := changed("foreign.db", "DROP TABLE goose_db_version")
	command(t, "sqlite:"+foreign, "", "restore", sound, "--replace").refuses(t, 1, "another program")
	lone := filepath.Join(folder, "lone.db")
	file("lone.db-wal", []byte("a log whose database was moved away"))
	command(t, "sqlite:"+lone, "", "restore", sound).refuses(t, 1, "lone.db-wal")
	if _, err := os.Stat(lone); !os.IsNotExist(err) {
		t.Error(err)
	}
	command(t, "sqlite:"+filepath.Join(folder, "nothing.db"), "", "backup", filepath.Join(folder, "x.db")).refuses(t, 1, "there is no database")
	command(t, url, "", "backup", filepath.Join(folder, "no folder", "x.db")).refuses(t, 1, "no folder")
}

func TestPostgreSQLHasItsOwnCopies(t *testing.T) {
	url := modelstest.Postgres(t)
	must(t, url, "", "migrate")
	file := filepath.Join(t.TempDir(), "x.db")
	command(t, url, "", "backup", file).refuses(t, 1, "pg_dump")
	command(t, url, "", "restore", file).refuses(t, 1, "pg_restore")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
