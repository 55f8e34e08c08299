package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

var demoAccount = regexp.MustCompile(`(?m)^  (\S+@example\.com) +(\S{20,}) `)

// demoPasswords starts the demonstration and returns its address, its transcript and its passwords, by e-mail address.
func demoPasswords(t *testing.T, database string) (c *child, base string, passwords map[string]string) {
	t.Helper()
	c = launch(t, on(database), "serve", "--demo")
	base = c.url(t)
	eventually(t, time.Minute, "the demonstration says how to get in", func() bool {
		return strings.Contains(c.stdout.String(), "curl") || strings.Contains(c.stdout.String(), "already")
	})
	passwords = map[string]string{}
	for _, found := range demoAccount.FindAllStringSubmatch(c.stdout.String(), -1) {
		passwords[found[1]] = found[2]
	}
	return c, base, passwords
}

func TestTheDemonstrationFillsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	database := modelstest.SQLite(t)
	c, base, passwords := demoPasswords(t, database)
	printed := c.stdout.String()
	if len(passwords) != 2 || passwords[demoUser] == "" || passwords[demoSupport] == "" || !strings.Contains(printed, base+"\n") {
		t.Fatalf("no address, or not two accounts:\n%s", printed)
	}
	if strings.Contains(c.stderr.String(), passwords[demoUser]) {
		t.Error("a password is in the log")
	}

	_, line, _ := strings.Cut(printed, "Sign in as an app:\n")
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("the printed line does not run: %v\n%s", err, line)
	}
	signedIn := reply{status: 200, body: string(out)}
	signedIn.want(t, 200, "device_name", "phone", "token_type", "Bearer")

	var list struct {
		Devices []struct{ Name, Kind, Client string }
	}
	answer := get(t, base+"/api/devices", "Authorization", "Bearer "+signedIn.field("access_token")).want(t, 200)
	if err := json.Unmarshal([]byte(answer.body), &list); err != nil {
		t.Fatal(err)
	}
	kinds, names := map[string]int{}, map[string]bool{}
	for _, d := range list.Devices {
		kinds[d.Kind]++
		names[d.Name] = true
	}
	// Three phones, one of them out for reuse, and the one of the printed line.
	if kinds["browser"] != 2 || kinds["app"] != 3 || !names["Pixel 9"] || !names["iPhone"] || names["old phone"] {
		t.Errorf("ada's devices: %s", answer.body)
	}
	browser := newBrowser(t)
	send(t, browser, "POST", base+"/login", "email="+demoUser+"&password="+passwords[demoUser], "Content-Type", formType).want(t, 303)
	activity := send(t, browser, "GET", base+"/activity", "").want(t, 200)
	if !strings.Contains(activity.body, "old phone") {
		t.Error("the activity does not tell of the old phone")
	}
	login(t, base, demoSupport, passwords[demoSupport], "desk").want(t, 200)
	get(t, base+"/signup").want(t, 200)
	if gallery := get(t, base+"/gallery").want(t, 200); !strings.Contains(gallery.body, `href="/gallery/devices/many"`) {
		t.Error("the gallery does not lead to the devices page")
	}
	get(t, base+"/gallery/devices/many").want(t, 200)

	users := launch(t, on(database), "user", "list").end(t, time.Minute)
	if !regexp.MustCompile(`(?m)^user +active .*ada@example\.com\nsupport +active .*sam@example\.com$`).MatchString(users.stdout) {
		t.Errorf("accounts: %s", users.stdout)
	}

	c.stop(t)
	if o := c.end(t, time.Minute); o.code != 0 {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	again, base, fresh := demoPasswords(t, database)
	if len(fresh) != 0 || !strings.Contains(again.stdout.String(), "accounts already (2)") || !strings.Contains(again.stdout.String(), base) {
		t.Errorf("the second start says:\n%s", again.stdout.String())
	}
	login(t, base, demoUser, passwords[demoUser], "phone").want(t, 200)
}

func TestSignUpStaysClosedWithoutTheDemonstration(t *testing.T) {
	url := modelstest.SQLite(t)
	quiet := serve(t, url, nil).URL()
	get(t, quiet+"/signup").want(t, 404)
	get(t, quiet+"/gallery").want(t, 404)
	open := func(s *Settings) {
		s.Signup, s.SMTPURL, s.MailFrom = "open", "smtp://127.0.0.1:1", "no-reply@example.com"
	}
	get(t, serve(t, url, open).URL()+"/signup").want(t, 200)

	settings := defaults(t, url)
	settings.Signup = "open"
	log := &transcript{}
	p, err := Start(&environment{ctx: t.Context(), settings: settings, stdin: strings.NewReader(""), stdout: log, stderr: log}, nil)
	if err == nil {
		p.Close()
		t.Fatal("sign-up is open without mail")
	}
	if line := oneLine(err); !strings.HasPrefix(line, "LATCHKEY_SIGNUP: ") || !strings.Contains(line, "LATCHKEY_SMTP_URL") {
		t.Errorf("it says %q", line)
	}
}
