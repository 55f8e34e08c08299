package services_test

import (
	"maps"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/tally"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// notZero are the counts that are not zero.
func notZero[K comparable](t *tally.Tally[K]) map[K]int64 {
	all := maps.Collect(t.All())
	maps.DeleteFunc(all, func(_ K, n int64) bool { return n == 0 })
	return all
}

func wantCounts[K comparable](t *testing.T, what string, got *tally.Tally[K], want map[K]int64) {
	t.Helper()
	if is := notZero(got); !maps.Equal(is, want) {
		t.Errorf("%s: %v, want %v", what, is, want)
	}
}

func TestRefreshesAreCountedByOutcome(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		refresh := func(tok, ip string) token.Answer {
			t.Helper()
			a, _ := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: tok, From: at(ip)})
			return a
		}
		a, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		b := refresh(a.RefreshToken, "192.0.2.1")    // rotated
		refresh(a.RefreshToken, "192.0.2.1")         // repeated
		c := refresh(a.RefreshToken, "198.51.100.1") // forked
		refresh(c.RefreshToken, "198.51.100.1")      // rotated
		refresh(b.RefreshToken, "192.0.2.1")         // reused: its sibling was used
		refresh(b.RefreshToken, "192.0.2.1")         // revoked
		refresh("nonsense", "192.0.2.1")             // malformed
		refresh(b.RefreshToken+"x", "192.0.2.1")     // malformed
		_, _ = d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: b.RefreshToken, From: at("192.0.2.1"), Proof: token.Proof{Headers: []string{"x"}}})
		wantCounts(t, "refreshes", d.Tokens.Refreshes(), map[string]int64{
			"rotated": 2, "repeated": 1, "forked": 1, "reused": 1, "revoked": 1, "malformed": 2, "invalid_proof": 1,
		})
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		refresh(b.RefreshToken, "192.0.2.1")
		if n := d.Tokens.Refreshes().Count("failed"); n != 1 {
			t.Errorf("without a database: %d failed", n)
		}
	})
}

func TestSignInsAndSecondFactorsAreCounted(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		from := at("192.0.2.1")
		secret := d.addApp(t, from) // a sign-in on a browser
		d.advance(step)
		d.try(t, "unknown@example.com", adaPassword, from)
		d.try(t, adaEmail, "not the password", from)
		d.try(t, "", "", from) // not filled in
		waiting := d.begin(t, from)
		d.finish(t, waiting, "000000", from)
		d.finish(t, waiting, d.code(t, secret), from)
		d.finish(t, waiting, d.code(t, secret), from) // used
		d.finish(t, d.begin(t, from), "", from)       // not filled in
		type key = token.SignIn
		wantCounts(t, "sign-ins", d.Tokens.SignIns(), map[key]int64{
			{Kind: "browser", Method: models.ByPassword, Result: token.SignInSucceeded}:     1,
			{Kind: "app", Method: models.ByPassword, Result: token.SignInWrong}:             2,
			{Kind: "browser", Method: models.ByPassword, Result: token.SignInSecondStep}:    2,
			{Kind: "browser", Method: models.ByPasswordTOTP, Result: token.SignInWrong}:     1,
			{Kind: "browser", Method: models.ByPasswordTOTP, Result: token.SignInSucceeded}: 1,
			{Kind: "browser", Method: models.ByPasswordTOTP, Result: token.SignInEnded}:     1,
		})
		wantCounts(t, "second factors", d.Challenges.FactorChecks(), map[challenge.FactorCheck]int64{
			{Method: challenge.MethodTOTP, Result: challenge.FactorWrong}: 1,
			{Method: challenge.MethodTOTP, Result: challenge.FactorRight}: 1,
			{Method: challenge.MethodTOTP, Result: challenge.FactorEnded}: 1,
		})
		st := d.Hasher.Stats()
		if st.Admitted < 5 || st.Refused != 0 || st.Waiting != 0 || st.Slots != 4 {
			t.Errorf("hashing: %+v", st)
		}
	})
}

func TestARefusalSaysWhichLimitItWas(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.fail(t, 10, adaEmail, same("192.0.2.1"))
		_, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: at("192.0.2.1")})
		own := auth.AsError(err)
		if own.Kind != auth.KindRateLimited || own.Limit != "failures_pair" {
			t.Errorf("after ten failures: kind %d, limit %q", own.Kind, own.Limit)
		}
		if n := d.Tokens.SignIns().Count(token.SignIn{Kind: "browser", Method: models.ByPassword, Result: token.SignInLimited}); n != 1 {
			t.Errorf("%d sign-ins were limited", n)
		}
	})
}

func TestAttemptsToSendMailsAreCounted(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		began := d.now()
		d.notify(t, store, 1)
		if box, err := d.Notify.Outbox(t.Context()); err != nil || box.Waiting != 1 || !box.Oldest.Equal(began) {
			t.Errorf("one mail waits: %+v %v", box, err)
		}
		reply := func(code int) {
			t.Helper()
			server.Fail(func(string) error { return &smtp.SMTPError{Code: code, Message: "no"} }, nil, nil)
			d.sendAll(t)
			d.advance(notify.FirstWait * 64)
		}
		reply(450)
		reply(530)
		server.Fail(nil, nil, nil)
		d.sendAll(t)
		d.notify(t, store, 1)
		reply(550)
		wantCounts(t, "attempts", d.Notify.Attempts(), map[string]int64{
			notify.MailDeferred: 1, notify.MailSettings: 1, notify.MailSent: 1, notify.MailRefused: 1,
		})
		if n := d.Notify.GivenUp(); n != 1 {
			t.Errorf("%d mails were given up", n)
		}
		if box, err := d.Notify.Outbox(t.Context()); err != nil || box.Waiting != 0 || !box.Oldest.IsZero() {
			t.Errorf("no mail waits: %+v %v", box, err)
		}
	})
}

func TestTheStateOfKeysListsAndSweeps(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if _, ok := d.Operator.Sweeps(); ok {
			t.Error("a process that does not serve says that it sweeps")
		}
		key := []byte("a counter that is over")
		if _, err := store.IncrementCounters(t.Context(), [][]byte{key}, d.now().Add(-time.Hour), d.now().Add(-61*time.Minute)); err != nil {
			t.Fatal(err)
		}
		d.Operator.SweepAndCount(t.Context())
		if st, ok := d.Operator.Sweeps(); !ok || st.Succeeded != 1 || st.Failed != 0 || st.Rows != 1 || !st.SucceededAt.Equal(d.now()) {
			t.Errorf("after a sweep: %+v %t", st, ok)
		}
		if st, ok := d.Keys.State(); !ok || st.Alg != "EdDSA" || !st.SignsSince.Equal(d.now()) || !st.NextFrom.Equal(d.now().Add(30*24*time.Hour)) || st.Published != 2 || !st.ReadAt.Equal(d.now()) {
			t.Errorf("keys: %+v %t", st, ok)
		}
		if _, ok := d.Revocations.State(); ok {
			t.Error("there are no status lists yet")
		}
		d.change(t, func(c *services.Config) {
			c.StatusTTL, c.StatusURL = 30*time.Second, "https://id.example.com/statuslists/"
		})
		a, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at("192.0.2.1")})
		if err == nil {
			err = d.Tokens.Revoke(t.Context(), token.RefreshRequest{Token: a.RefreshToken, From: at("192.0.2.1")})
		}
		if err == nil {
			err = d.Revocations.Load(t.Context())
		}
		if st, ok := d.Revocations.State(); err != nil || !ok || st.Lists != 1 || st.Revoked != 1 || !st.ReadAt.Equal(d.now()) {
			t.Errorf("one device was revoked: %+v %t %v", st, ok, err)
		}
		d.Operator.SweepAndCount(t.Context())
		swept := d.now()
		d.advance(time.Hour)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		d.Operator.SweepAndCount(t.Context())
		if st, _ := d.Operator.Sweeps(); st.Succeeded != 1 || st.Failed != 1 || !st.SucceededAt.Equal(swept) {
			t.Errorf("after a sweep without a database: %+v", st)
		}
	})
}
