package services_test

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// flood signs up n accounts, each from another network.
func (d *desk) flood(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if err := d.signup(t, fmt.Sprintf("stranger%d@example.org", i), i); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *desk) signup(t *testing.T, email string, network int) error {
	t.Helper()
	from := auth.Caller{IP: netip.AddrFrom4([4]byte{10, byte(network >> 8), byte(network), 1})}
	return d.Accounts.Signup(t.Context(), account.SignupRequest{Email: email, Password: "a fine long password", From: from})
}

func TestAlarmsGoFirstAndSignUpsLast(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.flood(t, 3)
		d.advance(time.Second)
		if err := d.Accounts.RequestPasswordReset(t.Context(), "nobody@example.com", at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		d.advance(time.Second)
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		d.sendAll(t)
		list, _ := mailsTaken(t, server)
		var kinds []string
		for _, l := range list {
			kinds = append(kinds, string(l.Kind))
		}
		if got := strings.Join(kinds, " "); got != "password_changed password_reset signup signup signup" {
			t.Errorf("in this order: %s", got)
		}
	})
}

// The mail server is slow for the addresses of strangers.
func TestAFloodOfSignUpsDelaysNoAlarmOnASlowServer(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		never := make(chan struct{})
		var mu sync.Mutex
		stuck := 0
		server := mailtest.Start(t, false)
		d.postTo(t, server)
		server.Fail(func(to string) error {
			if strings.HasPrefix(to, "stranger") {
				mu.Lock()
				stuck++
				mu.Unlock()
				<-never
			}
			return nil
		}, nil, nil)
		d.flood(t, 40)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.Notify.Run(ctx) })
		defer running.Wait()
		defer stop()
		defer close(never)
		holds := func(n int) func() bool {
			return func() bool {
				mu.Lock()
				defer mu.Unlock()
				return stuck == n
			}
		}
		soon(t, "sign-ups hold the connections that they may", holds(2))
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		d.Notify.Wake()
		soon(t, "the security mail arrives", func() bool { return len(server.Mails()) == 1 })
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		soon(t, "the reset arrives", func() bool { return len(server.Mails()) == 2 })
		list, _ := mailsTaken(t, server)
		if list[0].Kind != notify.KindPasswordChanged || list[1].Kind != notify.KindPasswordReset {
			t.Errorf("%+v", list)
		}
		// Mails that people wait for use their own connection at most, and not the one for security mails.
		if _, err := d.Operator.AddUser(t.Context(), "stranger@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		if err := d.Accounts.RequestPasswordReset(t.Context(), "stranger@example.com", at("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
		soon(t, "a reset holds one more", holds(3))
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		d.Notify.Wake()
		soon(t, "the next security mail arrives", func() bool { return len(server.Mails()) == 3 })
	})
}

// soon waits until ok returns true.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, time.Minute, what, ok)
}

func within(t *testing.T, most time.Duration, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > most {
			t.Fatal("not: " + what)
		}
	}
}

func TestPastTheBoundSignUpsAreRefusedAndResetsAreNot(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.flood(t, account.MaxWaitingMails)
		for _, email := range []string{"one.more@example.org", adaEmail} {
			err := d.signup(t, email, 5000)
			if auth.AsError(err).Kind != auth.KindUnavailable || auth.AsError(err).RetryAfter <= 0 || !auth.Busy(err) {
				t.Errorf("a sign-up of %s past the bound: %v", email, err)
			}
		}
		if n := d.waiting(t, store); n != account.MaxWaitingMails {
			t.Errorf("%d mails wait", n)
		}
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Errorf("a reset past the bound: %v", err)
		}
		if _, err := d.Operator.SetPassword(t.Context(), adaEmail, adaPassword); err != nil {
			t.Fatal(err)
		}
		d.sendAll(t)
		if n := len(server.Mails()); n != account.MaxWaitingMails+2 {
			t.Errorf("%d mails arrive", n)
		}
		if err := d.signup(t, "one.more@example.org", 5000); err != nil {
			t.Errorf("once there is room: %v", err)
		}
	})
}

// Security mails past the five that go first are not mails that strangers asked for: they never cause a refused sign-up.
func TestAlarmsThatGoWithOtherMailsRefuseNoSignUp(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.post(t)
		d.notify(t, store, account.MaxWaitingMails+5)
		if err := d.signup(t, "honest@example.org", 1); err != nil {
			t.Errorf("a sign-up behind one account's security mails: %v", err)
		}
		if err := d.Accounts.RequestPasswordReset(t.Context(), adaEmail, at("192.0.2.1")); err != nil {
			t.Errorf("a reset behind one account's security mails: %v", err)
		}
		d.flood(t, account.MaxWaitingMails-2) // the sign-up and the reset count
		if err := d.signup(t, "one.more@example.org", 5000); auth.AsError(err).Kind != auth.KindUnavailable {
			t.Errorf("a sign-up past the bound: %v", err)
		}
		d.notify(t, store, 1)
		if n, want := d.waiting(t, store), 2*account.MaxWaitingMails+6; n != want {
			t.Errorf("%d mails wait, want %d", n, want)
		}
	})
}

// postponed adds mails about sign-ups that were tried once: one as the program does, and the others as its copies.
func (d *desk) postponed(t *testing.T, store *models.Store, n int) {
	t.Helper()
	m := models.OutgoingMail{ID: models.NewID(d.now()), Kind: string(notify.KindSignup), Recipient: "stranger@example.org", Sealed: []byte{1}, CreatedAt: d.now(), Tries: 1, Priority: models.MailRest}
	if err := store.AddMail(t.Context(), models.MailWithLinks{Mail: &m}); err != nil {
		t.Fatal(err)
	}
	newID := map[string]string{"sqlite": "lower(hex(randomblob(16)))", "postgres": "gen_random_uuid()"}[store.Dialect()]
	result, err := store.Pools()[0].ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO mails (id, user_id, kind, recipient, box, created_at, next_at, tries, priority)
		WITH RECURSIVE copies(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM copies WHERE i < %d) SELECT %s, user_id, kind, 'stranger' || i || '@example.org', box, created_at, next_at, tries, priority
		FROM mails, copies WHERE recipient = 'stranger@example.org'`, n-1, newID))
	if err != nil {
		t.Fatal(err)
	}
	if made, err := result.RowsAffected(); err != nil || made != int64(n-1) {
		t.Fatal(made, err)
	}
}

// Mails to a domain whose server does not respond wait for hours. They do not keep other people from signing up, up to a bound of
// their own.
func TestMailsThatTheServerPostponesRefuseNoSignUp(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		server.Fail(func(to string) error {
			if strings.HasPrefix(to, "stranger") {
				return &smtp.SMTPError{Code: 450, Message: "unverified address"}
			}
			return nil
		}, nil, nil)
		d.flood(t, account.MaxWaitingMails)
		d.sendAll(t)
		if err := d.signup(t, "honest@example.org", 5000); err != nil {
			t.Errorf("a sign-up beside them: %v", err)
		}
		d.sendAll(t)
		if n := len(server.Mails()); n != 1 {
			t.Errorf("%d mails arrive", n)
		}
		d.postponed(t, store, account.MaxPostponedMails-account.MaxWaitingMails)
		if err := d.signup(t, "late@example.org", 6000); auth.AsError(err).Kind != auth.KindUnavailable {
			t.Errorf("a sign-up past the bound: %v", err)
		}
	})
}

// An account that causes many security mails, by its owner or by a thief, does not delay those of others.
func TestAlarmsOfOneAccountDoNotDelayThoseOfOthers(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		other, err := d.Operator.AddUser(t.Context(), "bob@example.com", "a fine long password", models.RoleUser)
		if err != nil {
			t.Fatal(err)
		}
		d.notify(t, store, 20)
		d.advance(time.Second)
		if _, err := d.Operator.SetPassword(t.Context(), other.Email, "another fine long password"); err != nil {
			t.Fatal(err)
		}
		d.sendAll(t)
		list, _ := mailsTaken(t, server)
		before := 0
		for _, l := range list {
			if l.To == other.Email {
				break
			}
			before++
		}
		if len(list) != 21 || before > 5 {
			t.Errorf("%d mails, %d of them before bob's", len(list), before)
		}
	})
}

// Wrong settings lose no mail, and the log reports them.
func TestSettingsThatCannotWorkKeepTheMails(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := mailtest.StartScripted(t, nil) // offers no AUTH
		from, err := mail.ParseFrom("no-reply@id.example.com")
		if err != nil {
			t.Fatal(err)
		}
		d.post(t)
		address := url.URL{Scheme: "smtp", User: url.UserPassword("latchkey", "hunter2hunter2"), Host: server.Address}
		sender, err := mail.NewSMTP(address.String(), from)
		if err != nil {
			t.Fatal(err)
		}
		d.change(t, func(c *services.Config) { c.Mail = sender })
		log := d.logged(t)
		d.notify(t, store, 2)
		d.sendAll(t)
		if n := d.waiting(t, store); n != 2 || server.Taken() != 0 {
			t.Errorf("%d mails wait, %d were taken", n, server.Taken())
		}
		if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "LATCHKEY_SMTP_URL") || strings.Contains(got, "@") || strings.Contains(got, "hunter2") {
			t.Errorf("the log: %s", got)
		}
	})
}
