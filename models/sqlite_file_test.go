package models_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestASQLiteFileIsPrivateWhateverItsName(t *testing.T) {
	for _, name := range []string{"latchkey.db", "with space.db", "what?.db", "a#b.db", "100%.db", "%41.db", "ümläut 📱.db", "a&b=c;d.db", "?_pragma=foreign_keys(0).db", "quote'\".db", ":memory:"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new "+strings.Trim(name, "."), "data")
			path := filepath.Join(dir, name)
			s := migrated(t, models.Config{URL: "sqlite:" + path})
			u := addUser(t, s)
			for file, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
				if got := mode(t, file); got != want {
					t.Errorf("%s has mode %o, want %o", file, got, want)
				}
			}
			again := open(t, models.Config{URL: "sqlite:" + path})
			if _, err := again.UserByID(t.Context(), u.ID); err != nil {
				t.Errorf("opened again: %v", err)
			}
			if list, err := os.ReadDir(dir); err != nil || len(list) != 3 {
				t.Errorf("%v %v, want the file, its log and the log's index", list, err)
			}
		})
	}
}

func TestASQLiteFileThatOthersMayReadIsClosedToThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "latchkey.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	migrated(t, models.Config{URL: "sqlite:" + path})
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if got := mode(t, file); got != 0o600 {
			t.Errorf("%s has mode %o", file, got)
		}
	}
}

func TestASQLiteFileIsSetUpAsPromised(t *testing.T) {
	s := migrated(t, models.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "latchkey.db")})
	for _, pool := range s.Pools() {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "trusted_schema": "0"} {
			var got string
			if err := pool.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %q, want %q (%v)", pragma, got, want, err)
			}
		}
	}
	if n := s.Pools()[0].Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d writers", n)
	}
	if _, err := s.Pools()[1].ExecContext(t.Context(), "DELETE FROM users"); err == nil {
		t.Error("a reader may write")
	}
	if _, err := s.Pools()[0].ExecContext(t.Context(), `UPDATE users SET role = "no such column"`); err == nil {
		t.Error("a misspelt column is taken for a text")
	}
}

func TestAPathThatCannotBeOpenedIsToldInOneSentence(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("Dear Sir or Madam, this is no database. ", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	closed, fixed := filepath.Join(dir, "closed"), filepath.Join(dir, "fixed.db")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	migrated(t, models.Config{URL: "sqlite:" + fixed})
	if err := os.Chmod(fixed, 0o400); err != nil {
		t.Fatal(err)
	}
	type wrong struct{ name, path, says string }
	cases := []wrong{
		{"a file that is no database", text, "not a database"},
		{"a folder", dir, "is a directory"},
		{"below a file", filepath.Join(text, "latchkey.db"), "not a directory"},
		{"where no folder can be made", "/proc/latchkey/latchkey.db", "database folder"},
	}
	if os.Geteuid() != 0 { // root may write everywhere else
		cases = append(cases,
			wrong{"a folder that may not be written", filepath.Join(closed, "latchkey.db"), "permission denied"},
			wrong{"a file that may not be written", fixed, "permission denied"})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := models.Open(t.Context(), models.Config{URL: "sqlite:" + c.path})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if got := err.Error(); !strings.Contains(got, c.says) || !strings.Contains(got, filepath.Base(c.path)) && !strings.Contains(got, filepath.Dir(c.path)) || strings.Contains(got, "\n") || len(got) > 300 {
				t.Errorf("it says %q", got)
			}
		})
	}
	if body, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(body), "Dear Sir") {
		t.Errorf("the file was changed: %v", err)
	}
}
