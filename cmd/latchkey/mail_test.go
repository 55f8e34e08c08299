package main

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
)

func smtpURL(server *mailtest.Server) string {
	return (&url.URL{Scheme: "smtp", User: url.UserPassword(mailtest.User, mailtest.Password), Host: server.Address}).String()
}

func TestMailSettingsThatCannotBeMeantAreNamed(t *testing.T) {
	const secret = "hunter2hunter2"
	for name, c := range map[string]struct{ url, from, want string }{
		"no sender":  {"smtp://mail.example.com", "", "LATCHKEY_MAIL_FROM: must be set with LATCHKEY_SMTP_URL"},
		"bad sender": {"smtp://mail.example.com", "nobody", "LATCHKEY_MAIL_FROM: "},
		"bad url":    {"http://u:" + secret + "@mail.example.com", "a@example.com", "LATCHKEY_SMTP_URL: must be like smtp://"},
		"a path":     {"smtp://u:" + secret + "@mail.example.com/x", "a@example.com", "LATCHKEY_SMTP_URL: must be like smtp://"},
	} {
		settings := defaults(t, modelstest.SQLite(t))
		settings.SMTPURL, settings.MailFrom = c.url, c.from
		p, err := Start(&environment{ctx: t.Context(), settings: settings, stdin: strings.NewReader(""), stdout: &transcript{}, stderr: &transcript{}}, nil)
		if err == nil {
			p.Close()
			t.Errorf("%s: it starts", name)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("LATCHKEY_SMTP_URL", "smtp://mail.example.com")
	if got := unknownSettings(); len(got) != 0 {
		t.Errorf("unknown: %v", got)
	}
	var s Settings
	if s.readVariables(); s.SMTPURL != "smtp://mail.example.com" {
		t.Errorf("read %q", s.SMTPURL)
	}
}

func TestAnAdministratorsActIsMailedByTheServer(t *testing.T) {
	server := mailtest.Start(t, false)
	database := modelstest.SQLite(t)
	addUser(t, database, ada)
	with := func(s *Settings) { s.SMTPURL, s.MailFrom = smtpURL(server), "no-reply@id.example.com" }
	s := serve(t, database, with)
	settings := defaults(t, database)
	with(&settings)
	env := &environment{ctx: t.Context(), settings: settings, stdin: strings.NewReader(""), stdout: &transcript{}, stderr: &transcript{}}
	if err := env.withServices(func(a *services.Services) error {
		_, err := a.Operator.Disable(context.Background(), ada)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the mail arrives", func() bool { return len(server.Mails()) == 1 })
	m, err := mail.Parse(server.Mails()[0].Data)
	if err != nil || m.Subject != "Your account was disabled" || m.To != ada || !strings.Contains(m.Text, s.URL()) {
		t.Errorf("%v: %+v", err, m)
	}
}

// The program is killed while mails wait, and the next one sends them.
func TestCrashBetweenAnActAndItsMail(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, database string) {
		server := mailtest.Start(t, false)
		crashWithMail(t, server, database, func(base string) {
			login(t, base, ada, password, "phone").want(t, 200)
			login(t, base, ada, password, "tablet").want(t, 200)
		})
		eventually(t, time.Minute, "the mail arrives", func() bool { return len(server.Mails()) > 0 })
		if m, err := mail.Parse(server.Mails()[0].Data); err != nil || m.To != ada || !strings.Contains(m.Text, "tablet") {
			t.Errorf("%v: %+v", err, m)
		}
		t.Logf("killed between commit and send: %d of 1 mails delivered", len(server.Mails()))
	})
}

// The farewell of an account that is gone needs nothing of it but what waits in the outbox.
func TestCrashBetweenTheEndOfAnAccountAndItsFarewell(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, database string) {
		server := mailtest.Start(t, false)
		crashWithMail(t, server, database, func(base string) {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			for _, act := range []struct {
				path string
				form url.Values
			}{
				{"/login", url.Values{"email": {ada}, "password": {password}}},
				{"/security/delete", url.Values{"email": {ada}, "current_password": {password}}},
			} {
				if act.path != "/login" {
					act.form.Set("account", accountIn(t, send(t, browser, http.MethodGet, base+act.path, "")))
				}
				send(t, browser, http.MethodPost, base+act.path, act.form.Encode(), "Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusSeeOther)
			}
		})
		if left := launch(t, on(database), "user", "list").end(t, time.Minute); left.code != 0 || strings.Contains(left.stdout, ada) {
			t.Errorf("the account is there: %+v", left)
		}
		eventually(t, time.Minute, "the farewell arrives", func() bool { return len(server.Mails()) > 0 })
		if m, err := mail.Parse(server.Mails()[0].Data); err != nil || m.To != ada || m.Subject != "Your account was deleted" {
			t.Errorf("%v: %+v", err, m)
		}
		t.Logf("killed between commit and send: %d of 1 mails delivered", len(server.Mails()))
	})
}

// crashWithMail runs acts on the program, with a mail server that wants mails later, kills it, and starts the next one, which
// runs until the test ends. By its clock it is three minutes later: what the dead program had claimed is free again.
func crashWithMail(t *testing.T, server *mailtest.Server, database string, acts func(base string)) {
	t.Helper()
	server.Fail(func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }, nil, nil)
	settings := on(database, "LATCHKEY_SMTP_URL="+smtpURL(server), "LATCHKEY_MAIL_FROM=no-reply@id.example.com")
	launchWithInput(t, on(database), password, "user", "add", ada, "--password-stdin")
	first := launch(t, settings, "serve")
	acts(first.url(t))
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.end(t, time.Minute)
	if n := len(server.Mails()); n != 0 {
		t.Fatalf("%d mails were taken before the program died", n)
	}
	server.Fail(nil, nil, nil)
	next := defaults(t, database)
	next.SMTPURL, next.MailFrom, next.Secret = smtpURL(server), "no-reply@id.example.com", secretOf("a")
	env := &environment{ctx: t.Context(), settings: next, stdin: strings.NewReader(""), stdout: &transcript{}, stderr: &transcript{}}
	p, err := Start(env, func(c *services.Config) { c.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
}
