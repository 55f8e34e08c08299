package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// credentials makes a folder such as systemd makes for a unit with LoadCredential=, and names it to the program.
func credentials(t *testing.T, contents map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
}

// start starts a server with no other settings than those of the environment, and says why it does not.
func start(t *testing.T) (server, error) {
	t.Helper()
	var c cli
	if _, err := c.parse([]string{"version"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	c.Addr = "127.0.0.1:0"
	log := &transcript{}
	p, err := Start(&environment{ctx: t.Context(), settings: c.Settings, stdin: strings.NewReader(""), stdout: log, stderr: log}, nil)
	if err == nil {
		t.Cleanup(func() { p.Close() })
	}
	return server{p, log}, err
}

func TestSecretsComeAsCredentialsOfSystemd(t *testing.T) {
	url := modelstest.SQLite(t)
	addUser(t, url, ada)
	old := serve(t, url, nil) // under the secret a
	device := login(t, old.URL(), ada, password, "phone").want(t, 200)
	t.Setenv("LATCHKEY_DATABASE", "")
	t.Setenv("LATCHKEY_SECRET", "")
	credentials(t, map[string]string{
		"latchkey_database": url + "\n", "latchkey_secret": secretOf("b") + "\n", "latchkey_secret_previous": secretOf("a"),
		"latchkey_smtp_url": "smtp://user:hunter2hunter2@127.0.0.1:1\n", "other_secret": "another program's",
	})
	t.Setenv("LATCHKEY_MAIL_FROM", "no-reply@example.com")
	s, err := start(t)
	if err != nil {
		t.Fatal(err)
	}
	refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
	if !s.Services.Notify.Enabled() {
		t.Error("the mail server's credential was not read")
	}
}

func TestACredentialThatCannotBeUsedStopsTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		credential, text, variable, value string
		says                              string
	}{
		"beside a variable":     {"latchkey_secret", secretOf("a"), "LATCHKEY_SECRET", secretOf("b"), "LATCHKEY_SECRET is set twice"},
		"beside a file":         {"latchkey_database", "sqlite:x.db", "LATCHKEY_DATABASE_FILE", "/nowhere", "LATCHKEY_DATABASE is set twice"},
		"beside a flag's value": {"latchkey_secret", secretOf("a"), "LATCHKEY_SECRET_FILE", "/nowhere", "LATCHKEY_SECRET is set twice"},
		"an empty one":          {"latchkey_secret", "\n", "LATCHKEY_DATABASE", modelstest.SQLite(t), "is empty"},
		"no secret":             {"latchkey_secret", "hunter2hunter2", "LATCHKEY_DATABASE", modelstest.SQLite(t), "latchkey_secret: has 10 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir()) // a server that starts all the same makes a database here
			credentials(t, map[string]string{c.credential: c.text})
			t.Setenv(c.variable, c.value)
			s, err := start(t)
			if err == nil {
				s.Close()
				t.Fatal("it starts")
			}
			if line := oneLine(err); !strings.Contains(line, c.says) || strings.Contains(line, "hunter2") || strings.Contains(line, secretOf("a")) {
				t.Errorf("%s", line)
			}
		})
	}
}
