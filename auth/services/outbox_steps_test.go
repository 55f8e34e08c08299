package services_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// The server breaks at each step. The mail is delivered once, tried again later, or given up with an event.
func TestTheOutboxNotesWhatBecameOfAMail(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		server := mailtest.StartScripted(t, nil)
		from, err := mail.ParseFrom("no-reply@id.example.com")
		if err != nil {
			t.Fatal(err)
		}
		sender, err := mail.NewSMTP("smtp://"+server.Address, from)
		if err != nil {
			t.Fatal(err)
		}
		d.change(t, func(c *services.Config) { c.Mail = sender })
		const delivered, later, givenUp = "delivered", "kept for later", "given up"
		for _, c := range []struct{ step, reply, want string }{
			{"MAIL", "451 4.3.0 later for " + adaEmail, later}, {"MAIL", "553 5.1.8 <" + adaEmail + "> no", givenUp}, {"MAIL", mailtest.HangUp, later},
			{"RCPT", "450 4.2.0 " + adaEmail + " greylisted", later}, {"RCPT", "550 5.1.1 <" + adaEmail + ">: no such person", givenUp}, {"RCPT", mailtest.HangUp, later},
			{"DATA", "421 bye " + adaEmail, later}, {"DATA", "554 5.6.0 " + adaEmail, givenUp}, {"DATA", mailtest.HangUp, later},
			{mailtest.Content, "451 later " + adaEmail, later}, {mailtest.Content, "554 5.7.1 spam from " + adaEmail, givenUp},
			{mailtest.Content, "250 taken" + mailtest.HangUp, delivered}, {mailtest.Content, "250", delivered},
			{"RSET", "502 unknown " + adaEmail, delivered}, {"RSET", mailtest.HangUp, delivered},
			{"QUIT", "421 no " + adaEmail, delivered}, {"QUIT", mailtest.HangUp, delivered},
		} {
			log := d.logged(t)
			server.Change(func(step string) string {
				if step == c.step {
					return c.reply
				}
				return ""
			})
			taken, failed := server.Taken(), strings.Count(d.kinds(t, store), "mail_failed/password_changed")
			d.notify(t, store, 1)
			d.sendAll(t)
			d.advance(notify.FirstWait / 4)
			d.sendAll(t)
			got := map[int]string{1: later}[d.waiting(t, store)]
			switch {
			case strings.Count(d.kinds(t, store), "mail_failed/password_changed") > failed:
				got = givenUp
			case got == "" && server.Taken() == taken+1:
				got = delivered
			}
			if got != c.want {
				t.Errorf("%s %q: %s, want %s (%d taken, %d wait)\n%s", c.step, c.reply, got, c.want, server.Taken()-taken, d.waiting(t, store), log)
			}
			if strings.Contains(log.String(), "@") || (log.Len() == 0) != (c.want == delivered) {
				t.Errorf("%s %q: the log says %s", c.step, c.reply, log)
			}
			server.Change(nil)
			d.advance(time.Hour)
			d.sendAll(t)
			if n := server.Taken() - taken; n != map[string]int{delivered: 1, later: 1, givenUp: 0}[c.want] || d.waiting(t, store) != 0 {
				t.Errorf("%s %q: taken %d times in the end", c.step, c.reply, n)
			}
		}
	})
}
