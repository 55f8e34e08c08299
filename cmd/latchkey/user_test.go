package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

const (
	ada      = "ada@example.org"
	password = "a walk in the early rain"
)

// addUser creates an account with the password known to the tests.
func addUser(t *testing.T, url, email string) {
	t.Helper()
	must(t, url, "", "migrate")
	must(t, url, password+"\n", "user", "add", email, "--password-stdin")
}

var printedPassword = regexp.MustCompile(`(?m)^Password: (\S{20,})$`)

func TestUserAddPrintsItsPasswordOnce(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		printed := must(t, url, "", "user", "add", ada)
		found := printedPassword.FindAllStringSubmatch(printed, -1)
		if len(found) != 1 || strings.Count(printed, found[0][1]) != 1 {
			t.Fatalf("not one password, once: %q", printed)
		}
		login(t, s.URL(), ada, found[0][1], "phone").want(t, 403, "code", "password_change_required", "setup_uri", s.URL()+"/login")

		second := must(t, url, "", "user", "add", "eve@example.org")
		if strings.Contains(second, found[0][1]) {
			t.Error("two accounts got the same password")
		}
		if list := must(t, url, "", "user", "list"); strings.Contains(list, found[0][1]) {
			t.Errorf("the list shows a password: %s", list)
		}
	})
}

func TestUserAddTakesAPasswordFromStandardInput(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		for email, stdin := range map[string]string{
			ada: password + "\n", "dos@example.org": password + "\r\n", "cut@example.org": password,
		} {
			if printed := must(t, url, stdin, "user", "add", email, "--password-stdin"); strings.Contains(printed, password) {
				t.Errorf("a password that was given is printed: %q", printed)
			}
			login(t, s.URL(), email, password, "phone").want(t, 200)
		}
		must(t, url, password, "user", "add", "sam@example.org", "--role", "support", "--password-stdin")
		if list := must(t, url, "", "user", "list"); !regexp.MustCompile(`(?m)^support +active .*sam@example\.org$`).MatchString(list) {
			t.Errorf("sam is not support: %s", list)
		}

		command(t, url, password, "user", "add", "ADA@example.org", "--password-stdin").refuses(t, 1, "email: ", "already")
		command(t, url, "", "user", "add", "no address").refuses(t, 1, "email: ")
		command(t, url, "short\n", "user", "add", "b@example.org", "--password-stdin").refuses(t, 1, "password: ", "12")
		command(t, url, "", "user", "add", "b@example.org", "--password-stdin").refuses(t, 1, "password: ")
		command(t, url, "", "user", "add", "b@example.org", "--role", "king").refuses(t, 2, "--role", "king")
		command(t, url, "", "user", "add").refuses(t, 2, "<email>")
		if list := must(t, url, "", "user", "list"); strings.Count(list, "\n") != 4 {
			t.Errorf("a refused command made an account: %s", list)
		}
	})
}

func TestAGeneratedPasswordSuitsAnyPolicy(t *testing.T) {
	url := modelstest.SQLite(t)
	must(t, url, "", "migrate")
	t.Setenv("LATCHKEY_PASSWORD_MIN", "100")
	if printed := must(t, url, "", "user", "add", ada); !printedPassword.MatchString(printed) {
		t.Errorf("no password: %q", printed)
	}
}

func TestUserAddInviteNeedsMailAndPrintsNoPassword(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		addUser(t, url, ada)
		command(t, url, "", "user", "add", "bea@example.org", "--invite").refuses(t, 1, "LATCHKEY_SMTP_URL")
		if list := must(t, url, "", "user", "list"); strings.Contains(list, "bea") {
			t.Errorf("a refused invitation made an account: %s", list)
		}
		t.Setenv("LATCHKEY_SMTP_URL", "smtp://localhost:1")
		t.Setenv("LATCHKEY_MAIL_FROM", "no-reply@id.example.com")
		command(t, url, password, "user", "add", "bea@example.org", "--invite", "--password-stdin").refuses(t, 2, "--invite")
		command(t, url, "", "user", "add", ada, "--invite").refuses(t, 1, "email: ", "already")
		command(t, url, "", "user", "invite", ada).refuses(t, 1, "has a password already")
		command(t, url, "", "user", "invite", "nobody@example.org").refuses(t, 1, "nobody@example.org")
		printed := must(t, url, "", "user", "add", "bea@example.org", "--invite", "--role", "support")
		if !strings.Contains(printed, "Created bea@example.org (support).") || !strings.Contains(printed, "7 days") || strings.Contains(printed, "Password") {
			t.Errorf("%q", printed)
		}
		if again := must(t, url, "", "user", "invite", "bea@example.org"); !strings.Contains(again, "Invited bea@example.org again.") {
			t.Errorf("%q", again)
		}
		if list := must(t, url, "", "user", "list"); !regexp.MustCompile(`(?m)^support +invited .*bea@example\.org$`).MatchString(list) {
			t.Errorf("bea does not wait: %s", list)
		}
	})
}

func TestUserSetPasswordEndsWhatTheOldOneBegan(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		before := login(t, s.URL(), ada, password, "phone").want(t, 200)

		printed := must(t, url, "", "user", "set-password", ada)
		fresh := printedPassword.FindStringSubmatch(printed)
		if fresh == nil || !strings.Contains(printed, "1 device.") {
			t.Fatalf("no password, or no number of devices: %q", printed)
		}
		refresh(t, s.URL(), before.field("refresh_token")).want(t, 400, "error", "invalid_grant", "reason", "revoked")
		login(t, s.URL(), ada, password, "phone").want(t, 401, "code", "invalid_credentials")
		login(t, s.URL(), ada, fresh[1], "phone").want(t, 403, "code", "password_change_required", "setup_uri", s.URL()+"/login")

		must(t, url, "another quiet evening\n", "user", "set-password", ada, "--password-stdin")
		login(t, s.URL(), ada, "another quiet evening", "phone").want(t, 200)
		command(t, url, "short", "user", "set-password", ada, "--password-stdin").refuses(t, 1, "password: ")
		command(t, url, "", "user", "set-password", "nobody@example.org").refuses(t, 1, "nobody@example.org")
		login(t, s.URL(), ada, "another quiet evening", "phone").want(t, 200)
	})
}

func TestUserSetEmailChangesTheAddressAndNothingElse(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		addUser(t, url, "eve@example.org")
		phone := login(t, s.URL(), ada, password, "phone").want(t, 200)
		if printed := must(t, url, "", "user", "set-email", strings.ToUpper(ada), "Ada@new.example.net"); !strings.Contains(printed, "Ada@new.example.net") {
			t.Errorf("%q", printed)
		}
		login(t, s.URL(), ada, password, "phone").want(t, 401, "code", "invalid_credentials")
		login(t, s.URL(), "ada@new.example.net", password, "phone").want(t, 200)
		refresh(t, s.URL(), phone.field("refresh_token")).want(t, 200)
		command(t, url, "", "user", "set-email", "ada@new.example.net", "EVE@example.org").refuses(t, 1, "email: ", "already")
		command(t, url, "", "user", "set-email", "ada@new.example.net", "no address").refuses(t, 1, "email: ")
		command(t, url, "", "user", "set-email", "nobody@example.org", "x@example.org").refuses(t, 1, "nobody@example.org")
		must(t, url, "", "user", "set-email", "ada@new.example.net", ada) // kept for no one
		login(t, s.URL(), ada, password, "phone").want(t, 200)
	})
}

func TestUserSetRole(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		addUser(t, url, ada)
		for _, role := range []string{"support", "support", "user"} {
			must(t, url, "", "user", "set-role", ada, role)
			if list := must(t, url, "", "user", "list"); !strings.HasPrefix(list, role+" ") {
				t.Errorf("the role is not %s: %s", role, list)
			}
		}
		command(t, url, "", "user", "set-role", ada, "king").refuses(t, 2, "king")
		command(t, url, "", "user", "set-role", "nobody@example.org", "user").refuses(t, 1, "nobody@example.org")
	})
}

func TestUserDisableClosesTheAccountAndEveryDevice(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		device := login(t, s.URL(), ada, password, "phone").want(t, 200)
		browser := signedInBrowser(t, s.URL())

		if printed := must(t, url, "", "user", "disable", ada); !strings.Contains(printed, "2 devices") {
			t.Errorf("not two devices: %q", printed)
		}
		login(t, s.URL(), ada, password, "phone").want(t, 403, "code", "account_disabled")
		login(t, s.URL(), ada, "not the password at all", "phone").want(t, 401, "code", "invalid_credentials")
		refresh(t, s.URL(), device.field("refresh_token")).want(t, 400, "error", "invalid_grant", "reason", "revoked")
		send(t, browser, "GET", s.URL()+"/devices", "").want(t, 303)
		if list := must(t, url, "", "user", "list"); !strings.Contains(list, "disabled") {
			t.Errorf("the list does not say disabled: %s", list)
		}

		must(t, url, "", "user", "enable", ada)
		login(t, s.URL(), ada, password, "phone").want(t, 200)
		refresh(t, s.URL(), device.field("refresh_token")).want(t, 400, "reason", "revoked")
		for _, verb := range []string{"disable", "enable"} {
			command(t, url, "", "user", verb, "nobody@example.org").refuses(t, 1, `"nobody@example.org"`)
			command(t, url, "", "user", verb).refuses(t, 2, "<email>")
		}
	})
}

func TestUserSignOut(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		eve := "eve@example.org"
		addUser(t, url, ada)
		addUser(t, url, eve)
		first := login(t, s.URL(), ada, password, "phone").want(t, 200)
		other := login(t, s.URL(), eve, password, "phone").want(t, 200)

		if printed := must(t, url, "", "user", "sign-out", ada); !strings.Contains(printed, "1 device.") {
			t.Errorf("not one device: %q", printed)
		}
		refresh(t, s.URL(), first.field("refresh_token")).want(t, 400, "reason", "revoked")
		other = refresh(t, s.URL(), other.field("refresh_token")).want(t, 200)

		first = login(t, s.URL(), ada, password, "phone").want(t, 200)
		if printed := must(t, url, "", "user", "sign-out", "--all"); !strings.Contains(printed, "2 devices") {
			t.Errorf("not two devices: %q", printed)
		}
		for _, device := range []reply{first, other} {
			refresh(t, s.URL(), device.field("refresh_token")).want(t, 400, "reason", "revoked")
		}
		login(t, s.URL(), ada, password, "phone").want(t, 200)
		command(t, url, "", "user", "sign-out").refuses(t, 2, "--all")
		command(t, url, "", "user", "sign-out", ada, "--all").refuses(t, 2, "--all")
		command(t, url, "", "user", "sign-out", "nobody@example.org").refuses(t, 1, "nobody@example.org")
	})
}

func TestUserListAsJSON(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		must(t, url, "", "migrate")
		if printed := must(t, url, "", "user", "list", "--json"); printed != "" {
			t.Errorf("nobody is there, yet: %q", printed)
		}
		for _, email := range []string{"eve@example.org", "Ada@example.org"} {
			addUser(t, url, email)
		}
		must(t, url, "", "user", "disable", "eve@example.org")
		lines := strings.Split(strings.TrimSpace(must(t, url, "", "user", "list", "--json")), "\n")
		if len(lines) != 2 {
			t.Fatalf("not two lines: %q", lines)
		}
		for i, want := range []struct {
			email    string
			disabled bool
		}{{"Ada@example.org", false}, {"eve@example.org", true}} {
			var got struct {
				ID, Email, Role string
				Created         string  `json:"created_at"`
				Disabled        *string `json:"disabled_at"`
			}
			if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
				t.Fatal(err)
			}
			if got.Email != want.email || got.Role != "user" || len(got.ID) != 36 || !strings.HasSuffix(got.Created, "Z") || (got.Disabled != nil) != want.disabled {
				t.Errorf("line %d: %s", i, lines[i])
			}
		}
		if strings.Contains(strings.Join(lines, ""), "argon2") {
			t.Error("the list holds password hashes")
		}
	})
}
