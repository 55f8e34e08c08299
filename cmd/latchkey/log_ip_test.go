package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// failregex is the expression of the filter for fail2ban in OPERATIONS.md, whose <ADDR> stands for an IP address.
func failregex(t *testing.T) *regexp.Regexp {
	t.Helper()
	manual, err := os.ReadFile(filepath.Join(repoRoot, "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^failregex = (.+)$`).FindAllStringSubmatch(string(manual), -1)
	if len(found) != 1 || strings.Count(found[0][1], "<ADDR>") != 1 {
		t.Fatalf("the expressions of the manual: %q", found)
	}
	return regexp.MustCompile(strings.Replace(found[0][1], "<ADDR>", `([0-9a-f.:]*[.:][0-9a-f.:]*)`, 1))
}

// failures signs in badly from three clients of a proxy, and well from a fourth. It returns the lines of the log about refusals.
func failures(t *testing.T, choice, format string) (refused []string, all string) {
	t.Helper()
	database := modelstest.SQLite(t)
	s := serve(t, database, func(s *Settings) {
		s.Log, s.TrustedProxies = format, []string{"127.0.0.1/32"}
		if choice != "" {
			s.LogIP = choice
		}
	})
	addUser(t, database, ada)
	try := func(client, email, word string) reply {
		return send(t, straight, "POST", s.URL()+"/api/login", `{"email":"`+email+`","password":"`+word+`","device_name":"phone"}`,
			"Content-Type", "application/json", "X-Forwarded-For", client)
	}
	try("203.0.113.9", ada, "not the password").want(t, 401)
	try("203.0.113.9", "unknown@example.org", "not the password").want(t, 401)
	try("2001:db8:1:2::3", ada, "not the password").want(t, 401)
	send(t, straight, "POST", s.URL()+"/login", "email="+ada+"&password=wrong", "Content-Type", formType, "X-Forwarded-For", "2001:db8:1:2::4").want(t, 422)
	try("198.51.100.1", ada, password).want(t, 200)
	all = s.log.String()
	for line := range strings.Lines(all) {
		if strings.Contains(line, "invalid_credentials") {
			refused = append(refused, line)
		}
	}
	if len(refused) != 4 {
		t.Fatalf("%d refusals are logged:\n%s", len(refused), all)
	}
	return refused, all
}

func TestFail2banFindsWhoGuesses(t *testing.T) {
	filter := failregex(t)
	refused, all := failures(t, "full", "text")
	var banned []string
	for line := range strings.Lines(all) {
		if found := filter.FindStringSubmatch(line); found != nil {
			banned = append(banned, netip.MustParseAddr(found[1]).String())
		}
	}
	if got, want := strings.Join(banned, " "), "203.0.113.9 203.0.113.9 2001:db8:1:2::3 2001:db8:1:2::4"; got != want {
		t.Errorf("the filter finds %q, want %q", got, want)
	}
	if strings.Contains(all, "198.51.100.1") {
		t.Error("the IP address of a person who signed in is logged")
	}
	journal := "host latchkey[12]: " + refused[0]
	if !filter.MatchString(journal) || filter.MatchString(strings.Replace(refused[0], "code=invalid_credentials", "code=signed_out", 1)) {
		t.Error("the filter does not tell lines apart")
	}
	forged := `time=x level=INFO msg=refused request=A route="POST /login" status=401 code=signed_out cause="` +
		strings.ReplaceAll(refused[0], `"`, `\"`) + `"`
	if filter.MatchString(forged) {
		t.Error("the filter reads what a client wrote")
	}
}

var loggedUser, loggedIP = regexp.MustCompile(`user=[0-9a-f-]{36} `), regexp.MustCompile(`ip=(\S+) `)

func TestTheLogSaysWhereAFailureCameFromAsTheOperatorChose(t *testing.T) {
	for _, choice := range []string{"", "hash", "full", "off"} {
		t.Run("choice "+choice, func(t *testing.T) {
			refused, all := failures(t, choice, "text")
			if choice != "full" && (strings.Contains(all, "203.0.113.9") || strings.Contains(all, "2001:db8")) {
				t.Errorf("an IP address is logged:\n%s", all)
			}
			var from []string
			for i, line := range refused {
				if loggedUser.MatchString(line) != (i != 1) { // the second address has no account
					t.Errorf("whose account it was: %s", line)
				}
				found := loggedIP.FindStringSubmatch(line)
				if (found == nil) != (choice == "off") {
					t.Fatalf("where it came from: %s", line)
				}
				if found != nil {
					from = append(from, found[1])
				}
			}
			hash := regexp.MustCompile(`^[0-9a-f]{16}$`)
			if choice == "" || choice == "hash" {
				if from[0] != from[1] || from[2] != from[3] || from[0] == from[2] || !hash.MatchString(from[0]) {
					t.Errorf("hashes of two networks: %q", from)
				}
			}
		})
	}
	if refused, _ := failures(t, "full", "json"); !strings.Contains(refused[0], `"ip":"203.0.113.9","user":"`) {
		t.Errorf("in JSON: %s", refused[0])
	}
}
