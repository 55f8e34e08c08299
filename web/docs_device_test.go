package web_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"latchkey/auth/client"
	"latchkey/models/modelstest"
)

func TestTheTelevisionOnTheDocsPageSignsInAsItStands(t *testing.T) {
	needCurl(t)
	s := newSite(t, modelstest.MigratedSQLite(t))
	if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Your TV", ID: "your-tv", DeviceGrant: true}); err != nil {
		t.Fatal(err)
	}
	blocks := copied(s.browser().shown("/docs/browser").one("section", "aria-labelledby", "device"))
	if len(blocks) != 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	dir := t.TempDir()
	run := func(script string) string {
		t.Helper()
		sh := exec.CommandContext(t.Context(), "sh", "-eu")
		sh.Dir, sh.Stdin, sh.Env = dir, strings.NewReader(script), []string{"PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
		out, err := sh.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	codes := reply{body: run(blocks[0])}
	p := &probe{site: s, t: t}
	p.answer(codes.text(t, "user_code"), true)
	client, _, _ := strings.Cut(blocks[0], "\n")
	answer := reply{body: run(client + "\nsleep() { :; }\n" + blocks[1])}
	if answer.text(t, "device_name") != "television" || answer.text(t, "id_token") == "" {
		t.Errorf("%s", answer.body)
	}
	s.refreshed(answer.text(t, "refresh_token"))
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error("tokens are left on the disk")
	}
}
