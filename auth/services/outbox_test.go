package services_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// post gives a desk a mail server that is reached over STARTTLS with a login. Mails contain their notification as JSON.
func (d *desk) post(t *testing.T) *mailtest.Server {
	t.Helper()
	server := mailtest.Start(t, false)
	d.postTo(t, server)
	return server
}

func (d *desk) postTo(t *testing.T, server *mailtest.Server) {
	t.Helper()
	from, err := mail.ParseFrom("Latchkey <no-reply@id.example.com>")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := mail.NewSMTP("smtp://latchkey:a%20word%20for%20the%20mail%20server@"+mailtest.Name, from)
	if err != nil {
		t.Fatal(err)
	}
	sender.TLS, sender.Timeout = &tls.Config{RootCAs: server.Roots}, time.Minute
	sender.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Address)
	}
	d.change(t, func(c *services.Config) { c.Mail = sender })
	d.change(t, func(c *services.Config) {
		c.Render = func(l notify.Notification) (notify.Rendered, error) {
			text, err := json.Marshal(l)
			return notify.Rendered{Subject: string(l.Kind), Text: string(text), HTML: "<p>"}, err
		}
	})
}

// mailsTaken returns the notifications that the server accepted, in its order.
func mailsTaken(t *testing.T, server *mailtest.Server) (list []notify.Notification, ids []string) {
	t.Helper()
	for _, m := range server.Mails() {
		parsed, err := mail.Parse(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		var l notify.Notification
		if err := json.Unmarshal([]byte(strings.TrimSpace(parsed.Text)), &l); err != nil {
			t.Fatalf("%q: %v", parsed.Text, err)
		}
		l.To = parsed.To
		list, ids = append(list, l), append(ids, parsed.ID)
	}
	return list, ids
}

// sendAll sends all due mails.
func (d *desk) sendAll(t *testing.T) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = d.Notify.SendMails(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *desk) waiting(t *testing.T, store *models.Store) (n int) {
	t.Helper()
	if err := store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM mails").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// notify writes n mails to ada.
func (d *desk) notify(t *testing.T, store *models.Store, n int) {
	t.Helper()
	for i := range n {
		l := notify.NewNotification(notify.KindPasswordChanged, at("192.0.2.1"), d.now())
		l.DeviceName = fmt.Sprint(i)
		if err := store.AddMail(t.Context(), d.Notify.Compose(d.ada.ID, l)); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *desk) kinds(t *testing.T, store *models.Store) string {
	t.Helper()
	list, err := store.Events(t.Context(), d.ada.ID, models.EventCursor{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range list {
		kinds = append(kinds, string(e.Kind)+"/"+e.Detail)
	}
	return strings.Join(kinds, " ")
}

func TestAMailServerThatFailsLosesNothing(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		hangUp := func() error { return mailtest.ErrHangUp }
		later := func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }
		down := d.config.Mail.(*mail.SMTP).Dial
		for name, c := range map[string]struct {
			fail, mend func()
			sent       int // how often the mail arrives in the end
		}{
			"is down": {func() {
				d.config.Mail.(*mail.SMTP).Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
			}, func() { d.config.Mail.(*mail.SMTP).Dial = down }, 1},
			"says nothing": {func() {
				d.config.Mail.(*mail.SMTP).Timeout = 100 * time.Millisecond
				d.config.Mail.(*mail.SMTP).Dial = func(context.Context, string, string) (net.Conn, error) {
					here, _ := net.Pipe()
					return here, nil
				}
			}, func() { d.config.Mail.(*mail.SMTP).Timeout, d.config.Mail.(*mail.SMTP).Dial = time.Minute, down }, 1},
			"wants it later":       {func() { server.Fail(later, nil, nil) }, nil, 1},
			"dies in DATA":         {func() { server.Fail(nil, hangUp, nil) }, nil, 1},
			"loses its own answer": {func() { server.Fail(nil, nil, hangUp) }, nil, 2}, // rather twice than never
		} {
			_, before := mailsTaken(t, server)
			c.fail()
			d.notify(t, store, 1)
			d.sendAll(t)
			if d.waiting(t, store) != 1 {
				t.Fatalf("a server that %s: the mail is lost", name)
			}
			server.Fail(nil, nil, nil)
			if c.mend != nil {
				c.mend()
			}
			d.advance(notify.FirstWait / 4)
			d.sendAll(t)
			if d.waiting(t, store) != 1 {
				t.Errorf("a server that %s: no pause before the next try", name)
			}
			d.advance(notify.FirstWait)
			d.sendAll(t)
			_, after := mailsTaken(t, server)
			arrived := after[len(before):]
			if len(arrived) != c.sent || d.waiting(t, store) != 0 {
				t.Errorf("a server that %s: %d mails arrive, %d wait", name, len(arrived), d.waiting(t, store))
			}
			t.Logf("a server that %s: 1 mail, %d delivered, %d lost", name, len(arrived), 1-unique(arrived))
			if len(arrived) == 2 && arrived[0] != arrived[1] {
				t.Errorf("the same mail under two ids: %q", arrived)
			}
		}
	})
}

// slowly is a connection that delays every reply.
type slowly struct {
	net.Conn
	pause time.Duration
}

func (c slowly) Read(b []byte) (int, error) {
	time.Sleep(c.pause)
	return c.Conn.Read(b)
}

// A slow server gets time. If a server is slower than the timeout, the mail is tried again. If the server accepted it nevertheless,
// it arrives twice with one id.
func TestASlowMailServerLosesNothing(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		sender := d.config.Mail.(*mail.SMTP)
		dial := sender.Dial
		sender.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return slowly{conn, 20 * time.Millisecond}, err
		}
		const mails = 3
		d.notify(t, store, mails)
		d.sendAll(t)
		_, ids := mailsTaken(t, server)
		t.Logf("a slow server: %d mails, %d delivered, %d lost", mails, len(ids), mails-unique(ids))
		if len(ids) != mails || unique(ids) != mails || d.waiting(t, store) != 0 {
			t.Errorf("slow: %d deliveries of %d, %d wait", len(ids), mails, d.waiting(t, store))
		}

		sender.Dial, sender.Timeout = dial, 300*time.Millisecond
		late := make(chan struct{})
		server.Fail(nil, nil, func() error { <-late; return nil })
		d.notify(t, store, mails)
		d.sendAll(t)
		if n := d.waiting(t, store); n != mails {
			t.Errorf("%d mails wait after nobody waited for the answer", n)
		}
		close(late)
		server.Fail(nil, nil, nil)
		sender.Timeout = time.Minute
		d.advance(notify.FirstWait)
		d.sendAll(t)
		_, again := mailsTaken(t, server)
		again = again[len(ids):]
		t.Logf("a server slower than the patience: %d mails, %d delivered, %d of them once more than needed, %d lost", mails, len(again), len(again)-unique(again), mails-unique(again))
		if unique(again) != mails || len(again) != 2*mails || d.waiting(t, store) != 0 {
			t.Errorf("too slow: %d deliveries of %d, %d wait", len(again), mails, d.waiting(t, store))
		}
	})
}

func TestAMailThatCannotBeDeliveredIsToldOf(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		server.Fail(func(string) error { return &smtp.SMTPError{Code: 550, Message: "no such person"} }, nil, nil)
		d.notify(t, store, 1)
		d.advance(time.Second)
		d.sendAll(t)
		if got := d.kinds(t, store); d.waiting(t, store) != 0 || !strings.HasPrefix(got, "mail_failed/password_changed ") {
			t.Errorf("refused for good: %d wait, events %s", d.waiting(t, store), got)
		}
		server.Fail(func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }, nil, nil)
		d.notify(t, store, 1)
		tries := 0
		for began := d.now(); d.waiting(t, store) == 1; tries++ {
			if d.now().Sub(began) > 27*time.Hour {
				t.Fatal("tried for ever")
			}
			d.sendAll(t)
			d.advance(time.Minute)
		}
		if got := strings.Count(d.kinds(t, store), "mail_failed"); got != 2 {
			t.Errorf("%d events tell of two mails", got)
		}
		if len(server.Mails()) != 0 {
			t.Error("something arrived")
		}
		t.Logf("a server that refuses the recipient: 2 mails, %d delivered, 2 given up (one at once, one after %d looks a minute apart) and told of", len(server.Mails()), tries)
	})
}

func TestWhatWaitsIsSealedAndOpensUnderThePreviousSecret(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != -1 {
			t.Fatal(kind)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.9")); kind != -1 {
			t.Fatal(kind)
		}
		var id, sealed []byte
		if err := store.Pools()[0].QueryRowContext(t.Context(), "SELECT kind, box FROM mails").Scan(&id, &sealed); err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"192.0.2.9", "phone", "Link"} {
			if strings.Contains(string(sealed), clear) {
				t.Errorf("%q can be read", clear)
			}
		}
		d.change(t, func(c *services.Config) { c.Secret, c.Previous = bytes.Repeat([]byte{9}, 32), [][]byte{c.Secret} })
		d.sendAll(t)
		if got, _ := mailsTaken(t, server); len(got) != 1 || got[0].IP != "192.0.2.9" || got[0].DeviceName != "phone (2)" || got[0].To != adaEmail {
			t.Errorf("%+v", got)
		}
		d.notify(t, store, 1)
		d.change(t, func(c *services.Config) { c.Secret, c.Previous = bytes.Repeat([]byte{8}, 32), nil }) // the secret is lost
		d.advance(time.Second)
		d.sendAll(t)
		if d.waiting(t, store) != 1 {
			t.Error("a mail that another replica may open was given up")
		}
		d.advance(25 * time.Hour)
		d.sendAll(t)
		if d.waiting(t, store) != 0 || !strings.Contains(d.kinds(t, store), "mail_failed") {
			t.Error("a mail that nobody can open waits for ever")
		}
	})
}
