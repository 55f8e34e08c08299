package web_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"latchkey/models"
)

// The lines on the page about acts on the account work as they stand.
func TestTheAccountActsOnTheDocsPageWorkAsTheyStand(t *testing.T) {
	needCurl(t)
	posted(t, func(t *testing.T, s *postOffice) {
		s.addUser("you@example.com", "your own password")
		p := newPhone(t, s.tryLogin("you@example.com", "your own password", "phone"))
		newPhone(t, s.tryLogin("you@example.com", "your own password", "tablet"))
		var script strings.Builder
		steps := 0
		for _, block := range copied(s.browser().shown("/docs/app").one("section", "aria-labelledby", "account-acts")) {
			if strings.HasPrefix(block, "EMAIL=") {
				block = regexp.MustCompile(`ACCESS='[^']*'`).ReplaceAllString(block, "ACCESS='"+p.access+"'")
			}
			script.WriteString(block + "\nprintf '\\n=====\\n'\n")
			steps++
		}
		sh := exec.CommandContext(t.Context(), "sh", "-eu")
		sh.Dir, sh.Stdin, sh.Env = t.TempDir(), strings.NewReader(script.String()), []string{"PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
		out, err := sh.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		came := strings.Split(string(out), "=====\n")
		if steps != 5 || len(came) != steps+1 {
			t.Fatalf("%d steps, %d answers: %s", steps, len(came), out)
		}
		for i, want := range []string{"\n", "\n", `{"revoked":1}` + "\n200\n" + `{"revoked":0}` + "\n200\n" + `{"expires_in":86400}` + "\n202\n\n", "204\n\n", `{"expires_in":86400}` + "\n" + `{"expires_in":1800}` + "\n\n"} {
			if came[i] != want {
				t.Errorf("step %d says %q, want %q", i, came[i], want)
			}
		}
		if n := s.acts(models.EventAccountDeleted); n != 1 {
			t.Errorf("%d accounts were deleted", n)
		}
	})
}
