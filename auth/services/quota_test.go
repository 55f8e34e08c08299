package services_test

import (
	"testing"

	"latchkey/auth/ratelimit"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// All spellings of a domain lead to one mailbox, because mail servers know only the ASCII form (RFC 5891).
func TestEverySpellingOfAMailboxSharesItsMails(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		for i, email := range []string{
			"victim@example.net", "Victim@Example.net", "victim+1@EXAMPLE.net", "VICTIM+2@example.NET", "victim@exAmple.net",
		} {
			if err := d.signup(t, email, i); (err == nil) != (i < ratelimit.MaxSignupMails) {
				t.Errorf("%s: %v", email, err)
			}
		}
		for i, email := range []string{"victim@bücher.example", "victim@xn--bcher-kva.example", "victim@BU\u0308CHER.example", "victim@XN--BCHER-KVA.example", "victim+3@bücher.example"} {
			if err := d.signup(t, email, 100+i); (err == nil) != (i < ratelimit.MaxSignupMails) {
				t.Errorf("%s: %v", email, err)
			}
		}
		d.sendAll(t)
		if n := len(server.Mails()); n != 2*ratelimit.MaxSignupMails {
			t.Errorf("%d mails arrive in two mailboxes", n)
		}
	})
}
