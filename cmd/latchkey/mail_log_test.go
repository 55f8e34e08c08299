package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/models/modelstest"
)

func TestTheLogHoldsNoAddressWhateverBringsIt(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		out := &transcript{}
		log := (&environment{settings: Settings{Log: format}, stderr: out}).logger()
		parse := fmt.Errorf("mail: expected single address, got %q", "<ada@example.com>")
		log.Error("panic", "reason", fmt.Sprint(errors.New("no ada@example.com")), "stack", "github.com/a-h/templ@v0.3/x.go:1")
		log.With("to", "ada%40example.com").Warn("cannot mail ada@example.com", "error", parse)
		log.WithGroup("g").Info("x", "text", `"ada love"@example.com`, "n", 7, "list", []string{"ada@example.com"})
		got := out.String()
		if strings.Contains(got, "ada") || !strings.Contains(got, "templ@v0.3") || strings.Count(got, "[address]") < 4 || !strings.Contains(got, "7") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// A server that repeats every address that it is told, to a program that logs what happens.
func TestAMailServerThatRepeatsAddressesFillsNoLogWithThem(t *testing.T) {
	for _, reply := range []string{"550 5.1.1 <%s>: no such person", "450 4.2.0 greylisted %s", "550 %s", "451 =3D%s="} {
		mails := mailtest.StartScripted(t, func(step string) string {
			if step == "RCPT" {
				return fmt.Sprintf(reply, ada)
			}
			return ""
		})
		database := modelstest.SQLite(t)
		addUser(t, database, ada)
		s := serve(t, database, func(s *Settings) { s.SMTPURL, s.MailFrom = "smtp://"+mails.Address, "no-reply@id.example.com" })
		if _, err := s.Services.Operator.SetPassword(t.Context(), ada, password); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "the log tells of it", func() bool {
			return strings.Contains(s.log.String(), "a mail could not be sent") || strings.Contains(s.log.String(), "a mail was given up")
		})
		if log := s.log.String(); strings.Contains(log, "@") || strings.Contains(log, "example") || !strings.Contains(log, "the server replied "+reply[:3]) {
			t.Errorf("%q: %s", reply, log)
		}
	}
}

func mailTestCommand(t *testing.T, server string, args ...string) outcome {
	t.Helper()
	t.Setenv("LATCHKEY_SMTP_URL", server)
	t.Setenv("LATCHKEY_MAIL_FROM", "no-reply@id.example.com")
	t.Setenv("LATCHKEY_BASE_URL", "https://id.example.com")
	return command(t, "sqlite:"+t.TempDir()+"/none/latchkey.db", "", append([]string{"mail", "test"}, args...)...)
}

func TestTheMailTestSendsOneMail(t *testing.T) {
	server := mailtest.Start(t, false)
	o := mailTestCommand(t, smtpURL(server), ada)
	if o.code != 0 || o.stderr != "" || !strings.Contains(o.stdout, server.Address+" took the mail") || strings.Contains(o.stdout, "latchkey:") {
		t.Fatalf("%+v", o)
	}
	got := server.Mails()
	if len(got) != 1 || got[0].To != ada {
		t.Fatalf("%d mails", len(got))
	}
	m, err := mail.Parse(got[0].Data)
	if err != nil || !strings.Contains(m.Text, "https://id.example.com") || m.HTML == "" {
		t.Errorf("%v: %+v", err, m)
	}
}

func TestTheMailTestFailsInOneClearLine(t *testing.T) {
	const user, secret = "latchkey", "hunter2hunter2"
	script := func(at, reply string) string {
		s := mailtest.StartScripted(t, func(step string) string {
			if step == at {
				return reply
			}
			return ""
		})
		return (&url.URL{Scheme: "smtp", User: url.UserPassword(user, secret), Host: s.Address}).String()
	}
	for name, c := range map[string]struct {
		url  string
		args []string
		code int
		want string
	}{
		"no server set":   {"", []string{ada}, 1, "LATCHKEY_SMTP_URL: is not set"},
		"a bad server":    {"http://" + user + ":" + secret + "@x", []string{ada}, 1, "LATCHKEY_SMTP_URL: must be like"},
		"a server down":   {"smtp://" + user + ":" + secret + "@127.0.0.1:1", []string{ada}, 1, "no connection to 127.0.0.1:1"},
		"no AUTH":         {script("x", ""), []string{ada}, 1, "it offers no AUTH"},
		"wrong password":  {script("AUTH", "535 5.7.8 no "+secret), []string{ada}, 1, "LATCHKEY_SMTP_URL"},
		"no recipient":    {script("x", ""), nil, 2, "expected"},
		"two recipients":  {script("x", ""), []string{ada, ada}, 2, "unexpected argument"},
		"no address":      {script("x", ""), []string{"ada"}, 2, "ADDRESS: not a single address"},
		"two in one":      {script("x", ""), []string{ada + "," + ada}, 2, "ADDRESS: not a single address"},
		"a header inside": {script("x", ""), []string{ada + "\r\nBcc: eve@example.com"}, 2, "ADDRESS: "},
	} {
		o := mailTestCommand(t, c.url, c.args...)
		if o.code != c.code || o.stdout != "" || !strings.Contains(o.stderr, c.want) || strings.Count(o.stderr, "\n") != 1 || strings.Contains(o.stderr, secret) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestTheMailServerIsGreetedByTheBaseURLsHost(t *testing.T) {
	for base, want := range map[string]string{
		"https://id.example.com/": "id.example.com", "http://[2001:db8::1]:8080": "[IPv6:2001:db8::1]", "": "localhost",
	} {
		mails := mailtest.StartScripted(t, nil)
		s := Settings{Addr: "localhost:8080", BaseURL: base, SMTPURL: "smtp://" + mails.Address, MailFrom: "no-reply@id.example.com"}
		sender, err := s.sender()
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), mail.Message{ID: "1", To: ada}); err != nil || !slices.Contains(mails.Commands(), "EHLO "+want) {
			t.Errorf("%s: %v, %q", base, err, mails.Commands())
		}
	}
}
