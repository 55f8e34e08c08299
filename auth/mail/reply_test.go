package mail_test

import (
	"net/url"
	"strings"
	"testing"

	"latchkey/auth/mail/mailtest"
)

// RFC 5321 §4.2: a reply may be a code alone.
func TestAServerMaySayNothingButCodes(t *testing.T) {
	bare := map[string]string{mailtest.Greeting: "220", "EHLO": "250", "HELO": "250", "MAIL": "250", "RCPT": "250", "DATA": "354", mailtest.Content: "250", "QUIT": "221"}
	server := mailtest.StartScripted(t, nil)
	for step := range bare {
		server.Change(at(step, bare[step]))
		if err := plainly(t, server, nil).Send(t.Context(), message()); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
	all := func(step string) string { return bare[step] }
	server.Change(all)
	before := server.Taken()
	if err := plainly(t, server, nil).Send(t.Context(), message()); err != nil || server.Taken() != before+1 {
		t.Errorf("all: %v", err)
	}
	for step, reply := range map[string]string{
		mailtest.Greeting: "220-mail.example.com\r\n220", "EHLO": "250-mail.example.com\r\n250-SIZE 1000000\r\n250", "MAIL": "250-2.1.0\r\n250", "DATA": "354\tgo on",
	} {
		server.Change(at(step, reply))
		if err := plainly(t, server, nil).Send(t.Context(), message()); err != nil {
			t.Errorf("%s %q: %v", step, reply, err)
		}
	}
	server.Change(func(step string) string {
		return map[string]string{"EHLO": "250-mail.example.com\r\n250-AUTH PLAIN\r\n250", "AUTH": "235"}[step]
	})
	if err := plainly(t, server, url.UserPassword("a", "b")).Send(t.Context(), message()); err != nil || !strings.Contains(strings.Join(server.Commands(), "\n"), "AUTH PLAIN") {
		t.Errorf("signed in: %v", err)
	}
	for step, reply := range map[string]string{mailtest.Greeting: "554", "MAIL": "451", "RCPT": "452", "DATA": "451", mailtest.Content: "451"} {
		server.Change(at(step, reply))
		if err := plainly(t, server, nil).Send(t.Context(), message()); outcome(err) != later || !strings.Contains(err.Error(), "the server replied "+reply) {
			t.Errorf("%s %q: %v", step, reply, err)
		}
	}
	for _, step := range []string{"MAIL", "RCPT", "DATA", mailtest.Content} {
		server.Change(at(step, "550"))
		if err := plainly(t, server, nil).Send(t.Context(), message()); outcome(err) != forGood {
			t.Errorf("%s 550: %v", step, err)
		}
	}
}
