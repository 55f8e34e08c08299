package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

const (
	bcryptOfOld = "$2a$10$axKWVKbwRz43gnqqG2H4ROWkEQ33H.AQ5AiEFMZlirTJZO/ucv3am" // of "devise password"
	weakOfOld   = "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="
)

// userLine is a line of an import.
func userLine(email, more string) string { return `{"email":"` + email + `"` + more + "}\n" }

func TestImportTellsEachRefusalAndImportsTheOthers(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		file := filepath.Join(t.TempDir(), "users.ndjson")
		text := "\ufeff" + userLine("ada@example.org", `,"external_id":"a","password_hash":"`+bcryptOfOld+`"`) + "\r\n" +
			userLine("eve@example.org", `,"password_hash":"`+weakOfOld+`"`) +
			"not JSON\n" +
			userLine("max@example.org", `,"role":"support"`) +
			userLine("ADA@example.org", "") +
			userLine("other@example.org", `,"external_id":"a"`) +
			userLine("last@example.org", "")
		if err := os.WriteFile(file, []byte(strings.TrimSuffix(text, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		refusals := "line 3: password_hash: weak: ASP.NET Core Identity: number of iterations 1000 is below 400000\n" +
			"line 4: invalid JSON at byte 2\nline 5: unknown member \"role\"\nline 7: external_id: an account with another e-mail address has it\n"
		for _, run := range []struct {
			args         []string
			said, failed string
		}{
			{[]string{"--dry-run"}, "Would create 2 accounts. 1 was there already and did not change. 4 lines would be refused.\n", "latchkey: 4 lines would be refused\n"},
			{nil, "Created 2 accounts. 1 was there already and did not change. 4 lines refused.\n", "latchkey: 4 lines refused\n"},
			{nil, "Created 0 accounts. 3 were there already and did not change. 4 lines refused.\n", "latchkey: 4 lines refused\n"},
		} {
			o := command(t, url, "", append([]string{"import", "users", file}, run.args...)...)
			if o.code != 1 || o.stdout != run.said || o.stderr != refusals+run.failed {
				t.Errorf("%v: exit %d\n%s\n%s", run.args, o.code, o.stdout, o.stderr)
			}
		}
		o := command(t, url, text, "import", "users", "-", "--accept-weak")
		if o.code != 1 || !strings.Contains(o.stdout, "Created 1 account. 3 were there already") || !strings.Contains(o.stdout, "1 password hash is weak. ") {
			t.Errorf("with weak hashes: exit %d\n%s\n%s", o.code, o.stdout, o.stderr)
		}
		s := serve(t, url, nil)
		login(t, s.URL(), "ada@example.org", "devise password", "phone").want(t, 200)
		login(t, s.URL(), "eve@example.org", "my password", "phone").want(t, 200)
		login(t, s.URL(), "last@example.org", "my password", "phone").want(t, 401)
	})
}

func TestImportRefusesWhatIsNoFileOfLines(t *testing.T) {
	url := modelstest.MigratedSQLite(t)
	command(t, url, "", "import", "users", filepath.Join(t.TempDir(), "missing")).refuses(t, 1, "no such file")
	command(t, url, strings.Repeat("a", 2<<20), "import", "users", "-").refuses(t, 1, "line 1 is longer than 1 MiB")
	command(t, url, "", "import", "users").refuses(t, 2, "<file>")
	if said := must(t, url, "", "import", "users", "-"); !strings.HasPrefix(said, "Created 0 accounts. 0 were there already") {
		t.Error(said)
	}
}

// What one server exports another one imports: the people sign in there, and a second export is the same.
func TestAnExportCanBeImported(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		must(t, url, password+"\n", "user", "add", ada, "--password-stdin")
		must(t, url, "", "user", "add", "printed@example.org")
		must(t, url, password+"\n", "user", "add", "sam@example.org", "--role", "support", "--password-stdin")
		must(t, url, "", "user", "disable", "sam@example.org")
		imported := userLine("eve@example.org", `,"email_verified":true,"created_at":"2020-01-02T03:04:05.123456Z","external_id":"<e>","metadata":{"n":1},`+
			`"password_hash":"`+bcryptOfOld+`","totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"`)
		must(t, url, imported, "import", "users", "-")

		dir := t.TempDir()
		plain, full, again := filepath.Join(dir, "plain"), filepath.Join(dir, "full"), filepath.Join(dir, "again")
		must(t, url, "", "export", "users", plain)
		text := readText(t, plain)
		if strings.Contains(text, "$2a$") || strings.Contains(text, "argon2") || strings.Contains(text, "totp") || strings.Count(text, "\n") != 4 {
			t.Errorf("without secrets:\n%s", text)
		}
		command(t, url, "", "export", "users", plain).refuses(t, 1, "is there already")
		if said := must(t, url, "", "export", "users", full, "--with-secrets"); !strings.Contains(said, "Exported 4 accounts.\nThe file holds secrets.") {
			t.Error(said)
		}
		for _, file := range []string{plain, full} {
			if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s: mode %v, %v", file, info.Mode(), err)
			}
		}
		text = readText(t, full)
		if !strings.Contains(text, imported) || strings.Count(text, "$argon2id$") != 2 || strings.Contains(text, "support") {
			t.Errorf("with secrets:\n%s", text)
		}

		other := modelstest.MigratedSQLite(t)
		must(t, other, "", "import", "users", full)
		must(t, other, "", "export", "users", again, "--with-secrets")
		if got := readText(t, again); got != text {
			t.Errorf("after the way through another server:\n%s\nwant\n%s", got, text)
		}
		s := serve(t, other, nil)
		login(t, s.URL(), ada, password, "phone").want(t, 200)
		login(t, s.URL(), "eve@example.org", "devise password", "phone").want(t, 403, "code", "second_factor_required")
		login(t, s.URL(), "sam@example.org", password, "phone").want(t, 403, "code", "account_disabled")
	})
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
