package mail_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
)

// plainly returns a sender to a scripted server on this machine.
func plainly(t *testing.T, s *mailtest.Scripted, user *url.Userinfo) *mail.SMTP {
	t.Helper()
	sender, err := mail.NewSMTP((&url.URL{Scheme: "smtp", User: user, Host: s.Address}).String(), from(t))
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// at returns a reply at one step, and the usual replies elsewhere.
func at(step, reply string) func(string) string {
	return func(s string) string {
		if s == step {
			return reply
		}
		return ""
	}
}

const (
	delivered = "delivered"
	later     = "to be tried again"
	forGood   = "refused for good"
)

func outcome(err error) string {
	switch {
	case err == nil:
		return delivered
	case errors.Is(err, mail.ErrRefused):
		return forGood
	}
	return later
}

func TestEachStepOfAConversationHasItsOutcome(t *testing.T) {
	server := mailtest.StartScripted(t, nil)
	sender := plainly(t, server, nil)
	for _, c := range []struct{ step, reply, want string }{
		{mailtest.Greeting, "", delivered},
		{mailtest.Greeting, "421 busy", later},
		{mailtest.Greeting, "554 no service here", later}, // says nothing of this mail
		{mailtest.Greeting, mailtest.HangUp, later},
		{mailtest.Greeting, "220 hello" + mailtest.HangUp, later},
		{"EHLO", "421 busy", delivered},    // to HELO it is not
		{"EHLO", "502 unknown", delivered}, // HELO works
		{"EHLO", mailtest.HangUp, later},
		{"MAIL", "451 later", later},
		{"MAIL", "421 shutting down" + mailtest.HangUp, later},
		{"MAIL", "553 sender refused", forGood},
		{"MAIL", "530 5.7.0 authentication required", later}, // the operator's to mend
		{"MAIL", "250 ok" + mailtest.HangUp, later},
		{"MAIL", mailtest.HangUp, later},
		{"RCPT", "450 greylisted", later},
		{"RCPT", "452 4.2.2 full", later},
		{"RCPT", "550 5.1.1 no such person", forGood},
		{"RCPT", "251 will forward", delivered},
		{"RCPT", "250 ok" + mailtest.HangUp, later},
		{"RCPT", mailtest.HangUp, later},
		{"DATA", "451 later", later},
		{"DATA", "554 no", forGood},
		{"DATA", mailtest.HangUp, later},
		{"DATA", "354 go on" + mailtest.HangUp, later},
		{mailtest.Content, "451 later", later},
		{mailtest.Content, "421 shutting down", later},
		{mailtest.Content, "552 too large", forGood},
		{mailtest.Content, "554 5.7.1 spam", forGood},
		{mailtest.Content, mailtest.HangUp, later}, // perhaps taken: once more rather than never
		{mailtest.Content, "250 taken" + mailtest.HangUp, delivered},
		{mailtest.Content, "250-taken\r\n250 as 12345", delivered},
		{mailtest.Content, "250", delivered},        // RFC 5321 §4.2: the text may be missing
		{mailtest.Content, "250\ttaken", delivered}, // a code and something else than a space is a reply all the same
		{mailtest.Content, "250\xff\xfe", delivered},
		{mailtest.Content, "554\tspam", forGood},
		{mailtest.Content, "2500 taken", later},    // is no code
		{mailtest.Content, "650 taken", later},     // no more is that one
		{mailtest.Content, "200 taken", delivered}, // RFC 5321 §4.2: the first digit decides
		{mailtest.Content, "garbage", later},
		{"RSET", "502 not implemented", delivered},
		{"RSET", "421 bye" + mailtest.HangUp, delivered},
		{"RSET", mailtest.HangUp, delivered},
		{"QUIT", "502 not implemented", delivered},
		{"QUIT", "421 bye", delivered},
		{"QUIT", mailtest.HangUp, delivered},
	} {
		server.Change(at(c.step, c.reply))
		err := sender.Send(t.Context(), message())
		if got := outcome(err); got != c.want {
			t.Errorf("%s %q: %s (%v), want %s", c.step, c.reply, got, err, c.want)
		}
	}
	eventually(t, "every connection ends", func() bool { return server.Open() == 0 })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("not: " + what)
		}
	}
}

// A server that never replies to QUIT has accepted the mail, and does not delay the sender.
func TestAServerThatFallsSilentAfterTheMailHasIt(t *testing.T) {
	silent := make(chan struct{})
	server := mailtest.StartScripted(t, func(step string) string {
		if step == "QUIT" || step == "RSET" {
			<-silent
		}
		return ""
	})
	defer close(silent)
	sender := plainly(t, server, nil)
	sender.Timeout = 200 * time.Millisecond
	ctx, leave := context.WithTimeout(t.Context(), 20*time.Second) // which would end the wait, too
	defer leave()
	if err := sender.Send(ctx, message()); err != nil || server.Taken() != 1 || ctx.Err() != nil {
		t.Errorf("%v, %d taken, %v", err, server.Taken(), ctx.Err())
	}
}

func TestAServerThatAnswersNothingIsLeftWhenTheCallerLeaves(t *testing.T) {
	server := mailtest.StartScripted(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	server.Change(func(step string) string {
		if step == "DATA" {
			leave()
			<-t.Context().Done()
		}
		return ""
	})
	sender := plainly(t, server, nil)
	sender.Timeout = 20 * time.Second
	if err := sender.Send(ctx, message()); outcome(err) != later || !strings.Contains(err.Error(), "broken off") {
		t.Errorf("%v", err)
	}
}

func TestTheServerIsGreetedByTheNameOfTheService(t *testing.T) {
	server := mailtest.StartScripted(t, nil)
	for host, want := range map[string]string{
		"": "localhost", "id.example.com": "id.example.com", "ID.Example.com.": "id.example.com", "bücher.example": "xn--bcher-kva.example",
		"192.0.2.1": "[192.0.2.1]", "2001:db8::1": "[IPv6:2001:db8::1]", "::ffff:192.0.2.1": "[192.0.2.1]", "bad name\r\nRSET": "localhost",
		"id_1.internal": "id_1.internal",
	} {
		sender := plainly(t, server, nil)
		sender.Hello = host
		before := len(server.Commands())
		if err := sender.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
		if got := server.Commands()[before]; got != "EHLO "+want {
			t.Errorf("%q: %q, want %q", host, got, "EHLO "+want)
		}
	}
}

func TestAPlainRelayOnThisMachineTakesALogin(t *testing.T) {
	for mechanisms, want := range map[string]string{
		"PLAIN": "AUTH PLAIN AGEAYg==", "LOGIN PLAIN": "AUTH PLAIN AGEAYg==", "plain login": "AUTH PLAIN AGEAYg==", "LOGIN": "AUTH LOGIN",
		"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS PLAIN": "AUTH PLAIN AGEAYg==", // those bind to TLS
	} {
		server := mailtest.StartScripted(t, func(step string) string {
			switch step {
			case "EHLO":
				return "250-mail.example.com\r\n250 AUTH " + mechanisms
			case "AUTH":
				if mechanisms == "LOGIN" {
					return "334 VXNlcm5hbWU6"
				}
			case "YQ==": // the user, a
				return "334 UGFzc3dvcmQ6"
			case "YG==":
				return "235 welcome"
			}
			return ""
		})
		sender := plainly(t, server, url.UserPassword("a", "b"))
		err := sender.Send(t.Context(), message())
		said := strings.Join(server.Commands(), "\n")
		if err != nil || !strings.Contains(said, want) {
			t.Errorf("%s: %v, said\n%s", mechanisms, err, said)
		}
	}
}

// A server that is not on this machine gets no password without TLS, whatever its name is.
func TestNoPasswordIsSaidInTheClearElsewhere(t *testing.T) {
	server := mailtest.StartScripted(t, func(step string) string {
		if step == "EHLO" {
			return "250-mail.example.com\r\n250 AUTH PLAIN LOGIN"
		}
		return ""
	})
	for host, remote := range map[string]net.Addr{
		"mail.example.com": &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 25}, // the name is not
		"localhost":        &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 25}, // the peer is not
		"192.0.2.7":        &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 25},
	} {
		sender, err := mail.NewSMTP("smtp://a:b@"+host, from(t))
		if err != nil {
			t.Fatal(err)
		}
		sender.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, server.Address)
			return elsewhere{conn, remote}, err
		}
		if err := sender.Send(t.Context(), message()); !errors.Is(err, mail.ErrSettings) {
			t.Errorf("%s: %v", host, err)
		}
		for _, said := range server.Commands() {
			if strings.HasPrefix(said, "AUTH") || strings.HasPrefix(said, "MAIL") {
				t.Errorf("%s: said %q", host, said)
			}
		}
	}
}

type elsewhere struct {
	net.Conn
	remote net.Addr
}

func (c elsewhere) RemoteAddr() net.Addr { return c.remote }

func TestALoginThatCannotWorkIsTheSettingsFault(t *testing.T) {
	for name, c := range map[string]struct {
		ehlo, auth string
		settings   bool
		want       string
	}{
		"no AUTH at all":          {"250 mail.example.com", "", true, "no login"},
		"no mechanism that we do": {"250-mail.example.com\r\n250 AUTH GSSAPI", "", true, "no login"},
		"a wrong password":        {"250-mail.example.com\r\n250 AUTH PLAIN", "535 5.7.8 wrong for ada@example.com", true, "535 5.7.8"},
		"trouble for now":         {"250-mail.example.com\r\n250 AUTH PLAIN", "454 4.7.0 later", false, "454 4.7.0"},
	} {
		server := mailtest.StartScripted(t, func(step string) string {
			switch step {
			case "EHLO":
				return c.ehlo
			case "AUTH":
				return c.auth
			}
			return ""
		})
		err := plainly(t, server, url.UserPassword("latchkey", "hunter2hunter2")).Send(t.Context(), message())
		if outcome(err) != later || errors.Is(err, mail.ErrSettings) != c.settings || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.settings && !strings.Contains(err.Error(), "LATCHKEY_SMTP_URL") {
			t.Errorf("%s: names no setting: %v", name, err)
		}
		if strings.ContainsAny(err.Error(), "@\n") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: says too much: %v", name, err)
		}
	}
}

// Servers repeat what they received, in many forms.
func TestWhatAServerSaysReachesNoError(t *testing.T) {
	server := mailtest.StartScripted(t, nil)
	sender := plainly(t, server, nil)
	for _, said := range []string{
		"ada@example.com", "<ada@example.com>", `"ada love"@example.com`, "ada=40example.com", "ada%40example.com", "ada at example dot com",
		"ada@xn--bcher-kva.example", "ada@bücher.example", "YWRhQGV4YW1wbGUuY29t", "ada", "rfc822;ada@example.com", "+ada+@example.com",
	} {
		for _, step := range []string{mailtest.Greeting, "EHLO", "MAIL", "RCPT", "DATA", mailtest.Content} {
			for _, code := range []string{"450 4.2.1 ", "550 5.1.1 ", "550 ", "550-" + said + "\r\n550 5.1.1 ", "2", ""} {
				server.Change(func(s string) string {
					if s == step || step == "EHLO" && s == "HELO" {
						return code + said
					}
					return ""
				})
				err := sender.Send(t.Context(), message())
				if err == nil {
					continue
				}
				if strings.Contains(err.Error(), said) || strings.ContainsAny(err.Error(), "@\n") {
					t.Fatalf("%s %q: %v", step, code+said, err)
				}
				if strings.HasPrefix(code, "450 4.2.1") && !strings.Contains(err.Error(), "450 4.2.1") {
					t.Fatalf("%s: the code is lost: %v", step, err)
				}
			}
		}
	}
}

func TestACheckSignsInAndSendsNothing(t *testing.T) {
	server := mailtest.StartScripted(t, func(step string) string {
		if step == "EHLO" {
			return "250-mail.example.com\r\n250 AUTH PLAIN"
		}
		return ""
	})
	sender := plainly(t, server, url.UserPassword("someone", "a password"))
	if state, err := sender.Check(t.Context()); err != nil || state != nil {
		t.Error(state, err)
	}
	if got := server.Commands(); len(got) != 3 || !strings.HasPrefix(got[1], "AUTH") || got[2] != "QUIT" {
		t.Errorf("it sent %q", got)
	}
	server.Change(func(step string) string {
		if step == "EHLO" {
			return "250-mail.example.com\r\n250 AUTH PLAIN"
		}
		return at("AUTH", "535 5.7.8 no")(step)
	})
	if _, err := sender.Check(t.Context()); !errors.Is(err, mail.ErrSettings) {
		t.Error(err)
	}
	if n := server.Open(); n > 1 {
		t.Errorf("%d connections are open", n)
	}
}

func TestACheckTellsByWhichCertificatesTheServerWasVerified(t *testing.T) {
	for scheme, implicit := range map[string]bool{"smtp://": false, "smtps://": true} {
		sender := to(t, mailtest.Start(t, implicit), scheme+login+mailtest.Name)
		state, err := sender.Check(t.Context())
		if err != nil || state == nil || len(state.VerifiedChains) != 1 {
			t.Fatalf("%v: %+v, %v", implicit, state, err)
		}
		if end := time.Until(state.VerifiedChains[0][0].NotAfter); end < 23*time.Hour || end > 24*time.Hour {
			t.Errorf("%v: it ends in %v", implicit, end)
		}
	}
}
