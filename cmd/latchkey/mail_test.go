package main

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/models/modelstest"

	"github.com/emersion/go-smtp"
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
	if err := env.withService(func(a *auth.Service) error {
		_, err := a.Disable(context.Background(), ada)
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

// The program is killed while a mail waits, and the next one sends it.
func TestCrashBetweenAnActAndItsMail(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, database string) {
		server := mailtest.Start(t, false)
		server.Fail(func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }, nil, nil)
		settings := on(database, "LATCHKEY_SMTP_URL="+smtpURL(server), "LATCHKEY_MAIL_FROM=no-reply@id.example.com")
		launchWithInput(t, on(database), password, "user", "add", ada, "--password-stdin")
		first := launch(t, settings, "serve")
		base := first.url(t)
		login(t, base, ada, password, "phone").want(t, 200)
		login(t, base, ada, password, "tablet").want(t, 200)
		if err := first.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		first.end(t, time.Minute)
		server.Fail(nil, nil, nil)
		// The next one starts three minutes later, by its clock: what the dead program had claimed is free again.
		next := defaults(t, database)
		next.SMTPURL, next.MailFrom, next.Secret = smtpURL(server), "no-reply@id.example.com", secretOf("a")
		env := &environment{ctx: t.Context(), settings: next, stdin: strings.NewReader(""), stdout: &transcript{}, stderr: &transcript{}}
		p, err := Start(env, func(c *auth.Config) { c.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } })
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		eventually(t, time.Minute, "the mail arrives", func() bool { return len(server.Mails()) > 0 })
		if m, err := mail.Parse(server.Mails()[0].Data); err != nil || m.To != ada || !strings.Contains(m.Text, "tablet") {
			t.Errorf("%v: %+v", err, m)
		}
	})
}
