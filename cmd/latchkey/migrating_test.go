package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// guide is the command with jq that MIGRATING.md has under a heading.
func guide(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("MIGRATING.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for rest := section; ; {
		_, after, ok := strings.Cut(rest, "```sh\n")
		if !ok {
			break
		}
		block, after, _ := strings.Cut(after, "```")
		if strings.Contains(block, "jq -c") {
			blocks = append(blocks, block)
		}
		rest = after
	}
	if len(blocks) != 1 {
		t.Fatalf("%s: %d commands with jq", heading, len(blocks))
	}
	return blocks[0]
}

// needJQ skips where there is no jq, but never in CI.
func needJQ(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// convert runs a guide's command beside the samples and returns the file that it writes.
func convert(t *testing.T, heading string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/import")); err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-euc", guide(t, heading))
	sh.Dir = dir
	if out, err := sh.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%s: %v\n%s", heading, err, out)
	}
	return filepath.Join(dir, "users.ndjson")
}

// The commands of the guides convert samples in the shape of each system's export, and the people in them sign in.
func TestTheGuidesBringUsersAlong(t *testing.T) {
	needJQ(t)
	for _, system := range []struct {
		heading, password string
		said, weak        string
		signIn            []string // sign in with the password
		step              []string // are asked for a code after it
		disabled          []string
	}{
		{"Supabase Auth", "supabase password", "Created 3 accounts. 0 were", "", nil, []string{"ada"}, []string{"banned"}},
		{"Keycloak", "keycloak password", "Created 4 accounts. 0 were", "1 password hash is weak", nil, []string{"ada", "eve"}, []string{"old"}},
		{"Firebase Authentication", "user1password", "Created 2 accounts. 0 were", "", []string{"ada"}, nil, nil},
		{"Auth0", "auth0 password", "Created 3 accounts. 0 were", "", []string{"ada"}, nil, []string{"blocked"}},
		{"Devise (Ruby on Rails)", "devise password", "Created 2 accounts. 0 were", "", []string{"ada"}, nil, nil},
	} {
		t.Run(system.heading, func(t *testing.T) {
			file := convert(t, system.heading)
			modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
				s := serve(t, url, nil)
				said := must(t, url, "", "import", "users", file, "--accept-weak")
				if !strings.HasPrefix(said, system.said) || strings.Contains(said, "weak") != (system.weak != "") || !strings.Contains(said, system.weak) {
					t.Errorf("the import said %q", said)
				}
				for _, name := range system.signIn {
					login(t, s.URL(), name+"@example.org", system.password, "phone").want(t, 200)
					login(t, s.URL(), name+"@example.org", system.password, "phone").want(t, 200)
				}
				for _, name := range system.step {
					login(t, s.URL(), name+"@example.org", system.password, "phone").want(t, 403, "code", "second_factor_required")
				}
				for _, name := range system.disabled {
					login(t, s.URL(), name+"@example.org", system.password, "phone").want(t, 403, "code", "account_disabled")
				}
				for _, name := range append(system.signIn, system.step...) {
					login(t, s.URL(), name+"@example.org", "another password", "phone").want(t, 401)
				}
			})
		})
	}
}
