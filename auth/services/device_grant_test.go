package services_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const (
	couch  = "192.0.2.1" // where ada and her television are
	abroad = "203.0.113.9"
)

// tvDesk is a desk with a client that has the device grant, and ada signed in on a browser.
type tvDesk struct {
	*desk
	t   *testing.T
	tv  client.Identity
	ada *browser.Session
}

func newTVDesk(t *testing.T, store *models.Store) *tvDesk {
	t.Helper()
	d := &tvDesk{desk: newDesk(t, store), t: t}
	for _, c := range []client.Registration{{Name: "Television", ID: "tv", DeviceGrant: true}, {Name: "Radio", ID: "radio", DeviceGrant: true}, {Name: "Notes", ID: "notes"}} {
		if _, err := d.Clients.Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	d.tv, d.ada = d.client("tv"), d.browse(t, "the laptop's mark", couch)
	return d
}

func (d *tvDesk) client(id string) client.Identity {
	d.t.Helper()
	who, err := d.Clients.Authenticate(d.t.Context(), client.Credentials{ID: id}, at(couch))
	if err != nil {
		d.t.Fatal(err)
	}
	return who
}

func (d *tvDesk) start() grant.DeviceCodes {
	d.t.Helper()
	codes, err := d.DeviceCodes.Start(d.t.Context(), grant.DeviceRequest{Client: d.tv, Scope: "openid email", DeviceName: "Living room", From: at(couch)})
	if err != nil {
		d.t.Fatal(err)
	}
	return codes
}

func (d *tvDesk) poll(code string, from auth.Caller) (token.Answer, error) {
	return d.DeviceCodes.Poll(d.t.Context(), grant.DevicePoll{Code: code, Client: d.tv, From: from})
}

// find enters a user code in ada's browser.
func (d *tvDesk) find(userCode string) string {
	d.t.Helper()
	sealed, err := d.DeviceCodes.Find(d.t.Context(), d.ada, userCode, at(couch))
	if err != nil {
		d.t.Fatal(err)
	}
	return sealed
}

func (d *tvDesk) approval(sealed string) grant.DeviceApproval {
	from := at(couch)
	from.UserAgent = "ada's browser"
	return grant.DeviceApproval{Sealed: sealed, DeviceName: "Living room", Confirmation: confirmed(adaPassword, from), From: from}
}

func (d *tvDesk) approve(userCode string) {
	d.t.Helper()
	if err := d.DeviceCodes.Approve(d.t.Context(), d.ada, d.approval(d.find(userCode))); err != nil {
		d.t.Fatal(err)
	}
	d.lookAgain()
}

// lookAgain reads ada's account as her next request would.
func (d *tvDesk) lookAgain() { d.ada = d.lookedAtAgain(d.t, d.ada) }

// refusal is the error code of OAuth, or the kind of an error that has none.
func refusal(err error) string {
	var r *grant.Refusal
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &r):
		return r.Code
	}
	return map[auth.Kind]string{
		auth.KindInvalidGrant: "invalid_grant", auth.KindUnauthorizedClient: "unauthorized_client", auth.KindInvalidClient: "invalid_client",
		auth.KindInvalidRequest: "invalid_request", auth.KindInvalidProof: "invalid_dpop_proof", auth.KindDeadLink: "dead", auth.KindRateLimited: "rate limited",
		auth.KindUnavailable: "unavailable", auth.KindWrongPassword: "wrong password",
	}[auth.AsError(err).Kind]
}

func (d *tvDesk) want(what, want string, err error) {
	d.t.Helper()
	if got := refusal(err); got != want {
		d.t.Errorf("%s: %s (%v), want %s", what, got, err, want)
	}
}

func TestATelevisionSignsInWhenAPersonApprovesItsCode(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		server := d.post(t)
		codes := d.start()
		if codes.ExpiresIn != 600 || codes.Interval != 5 || len(codes.UserCode) != 9 || codes.UserCode[4] != '-' {
			t.Errorf("%+v", codes)
		}
		pending := func(what, want string) {
			t.Helper()
			_, err := d.poll(codes.DeviceCode, at(couch))
			d.want(what, want, err)
		}
		pending("at once", "authorization_pending")
		pending("at once again", "slow_down")
		d.advance(9 * time.Second)
		pending("after the longer pause", "authorization_pending")

		sealed := d.find(strings.ToLower(strings.ReplaceAll(codes.UserCode, "-", " ")))
		ask, err := d.DeviceCodes.Ask(t.Context(), d.ada, sealed)
		if err != nil || ask.State != grant.DeviceWaits || ask.UserCode != codes.UserCode || ask.Client.Name != "Television" || ask.DeviceName != "Living room" ||
			ask.Address != couch || ask.Agent != "test" || strings.Join(ask.Scope, " ") != "openid email" {
			t.Errorf("%+v %v", ask, err)
		}
		wrong := d.approval(sealed)
		wrong.Confirmation.Password = "not the password"
		d.want("a wrong password", "wrong password", d.DeviceCodes.Approve(t.Context(), d.ada, wrong))
		wrong = d.approval(sealed)
		wrong.Confirmation.Password = ""
		d.want("no password", "invalid_request", d.DeviceCodes.Approve(t.Context(), d.ada, wrong))
		wrong = d.approval(sealed)
		wrong.DeviceName = " "
		d.want("no name", "invalid_request", d.DeviceCodes.Approve(t.Context(), d.ada, wrong))
		d.advance(10 * time.Second)
		pending("before the approval", "authorization_pending")

		if err := d.DeviceCodes.Approve(t.Context(), d.ada, d.approval(sealed)); err != nil {
			t.Fatal(err)
		}
		if err := d.DeviceCodes.Approve(t.Context(), d.ada, d.approval(sealed)); err != nil {
			t.Errorf("the form, sent twice: %v", err)
		}
		answer, err := d.poll(codes.DeviceCode, at(couch))
		if err != nil || answer.RefreshToken == "" || answer.IDToken == "" || answer.DeviceName != "Living room" {
			t.Fatalf("%+v %v", answer, err)
		}
		list, err := store.LiveDevices(t.Context(), d.ada.User.ID, d.live())
		if err != nil || len(list) != 2 || list[0].Kind != models.KindApp || list[0].ThroughAgent != "ada's browser" || list[0].Scope != "openid email" ||
			list[0].ClientID != "tv" || list[0].SignedInBy != models.ByPassword {
			t.Errorf("%+v %v", list, err)
		}
		d.sendAll(t)
		if told, _ := mailsTaken(t, server); len(told) != 1 || told[0].Kind != notify.KindNewDevice { // from a browser that is known
			t.Errorf("the owner was told %+v", told)
		}
		if ask, err := d.DeviceCodes.Ask(t.Context(), d.ada, sealed); err != nil || ask.State != grant.DeviceDone {
			t.Errorf("%+v %v", ask, err)
		}
	})
}

// The rules for a device code that comes again are those of authorization codes.
func TestADeviceCodeThatComesAgain(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		tv := func() (string, token.Answer) {
			t.Helper()
			codes := d.start()
			d.approve(codes.UserCode)
			answer, err := d.poll(codes.DeviceCode, at(couch))
			if err != nil {
				t.Fatal(err)
			}
			return codes.DeviceCode, answer
		}
		again := func(what, code, from, want string) (answer token.Answer) {
			t.Helper()
			answer, err := d.poll(code, at(from))
			d.want(what, want, err)
			return answer
		}
		code, first := tv()
		d.advance(time.Minute - time.Second)
		if answer := again("a lost answer", code, couch, "ok"); answer.RefreshToken != first.RefreshToken {
			t.Error("the answer differs")
		}
		d.advance(2 * time.Second)
		again("a minute later", code, couch, "invalid_grant")
		if d.isOut(first.RefreshToken) {
			t.Error("it was signed out by its own code")
		}

		code, first = tv()
		again("from elsewhere before the first refresh", code, abroad, "invalid_grant")
		if !d.isOut(first.RefreshToken) {
			t.Error("it is still signed in")
		}
		code, first = tv()
		refreshed, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: first.RefreshToken, Client: d.tv, From: at(couch)})
		if err != nil {
			t.Fatal(err)
		}
		again("after a refresh", code, couch, "invalid_grant")
		if d.isOut(refreshed.RefreshToken) {
			t.Error("it was signed out by its own code")
		}
		code, first = tv()
		if _, err = d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: first.RefreshToken, Client: d.tv, From: at(couch)}); err != nil {
			t.Fatal(err)
		}
		reused := d.countOf(t, d.ada.User.ID, models.EventDeviceReused)
		again("from elsewhere after a refresh", code, abroad, "invalid_grant")
		if n := d.countOf(t, d.ada.User.ID, models.EventDeviceReused); n != reused+1 {
			t.Errorf("%d alarms", n-reused)
		}

		// The last answer within the code's life may be lost, too.
		codes := d.start()
		d.approve(codes.UserCode)
		d.advance(grant.DeviceCodeLife - time.Second)
		first = again("in the last second", codes.DeviceCode, couch, "ok")
		d.advance(30 * time.Second)
		if answer := again("a lost answer after the end", codes.DeviceCode, couch, "ok"); answer.RefreshToken != first.RefreshToken {
			t.Error("the answer differs")
		}
	})
}

func TestADeviceCodeIsRefusedAsTheRFCSays(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		for what, c := range map[string]struct {
			r    grant.DeviceRequest
			want string
		}{
			"another client":      {grant.DeviceRequest{Client: d.client("notes")}, "unauthorized_client"},
			"an unknown client":   {grant.DeviceRequest{Client: d.client("unknown")}, "invalid_client"},
			"no client":           {grant.DeviceRequest{}, "invalid_request"},
			"a bad scope":         {grant.DeviceRequest{Client: d.tv, Scope: "a  b"}, "invalid_scope"},
			"a control character": {grant.DeviceRequest{Client: d.tv, DeviceName: "a\nb"}, "invalid_request"},
		} {
			c.r.From = at(abroad)
			_, err := d.DeviceCodes.Start(t.Context(), c.r)
			d.want(what, c.want, err)
		}
		for what, c := range map[string]struct {
			do   func(codes grant.DeviceCodes) grant.DevicePoll
			want string
		}{
			"denied": {func(codes grant.DeviceCodes) grant.DevicePoll {
				if err := d.DeviceCodes.Deny(t.Context(), d.ada, d.find(codes.UserCode)); err != nil {
					t.Fatal(err)
				}
				return grant.DevicePoll{Code: codes.DeviceCode}
			}, "access_denied"},
			"expired": {func(codes grant.DeviceCodes) grant.DevicePoll {
				d.advance(grant.DeviceCodeLife)
				return grant.DevicePoll{Code: codes.DeviceCode}
			}, "expired_token"},
			"approved and then expired": {func(codes grant.DeviceCodes) grant.DevicePoll {
				d.approve(codes.UserCode)
				d.advance(grant.DeviceCodeLife)
				return grant.DevicePoll{Code: codes.DeviceCode}
			}, "expired_token"},
			"expired long ago and swept": {func(codes grant.DeviceCodes) grant.DevicePoll {
				d.advance(24 * time.Hour)
				if _, err := store.SweepDeviceCodes(t.Context(), d.now()); err != nil {
					t.Fatal(err)
				}
				return grant.DevicePoll{Code: codes.DeviceCode}
			}, "expired_token"},
			"of another client": {func(codes grant.DeviceCodes) grant.DevicePoll {
				d.approve(codes.UserCode)
				return grant.DevicePoll{Code: codes.DeviceCode, Client: d.client("radio")}
			}, "invalid_grant"},
			"of a client without the grant": {func(codes grant.DeviceCodes) grant.DevicePoll {
				return grant.DevicePoll{Code: codes.DeviceCode, Client: d.client("notes")}
			}, "unauthorized_client"},
			"invented": {func(codes grant.DeviceCodes) grant.DevicePoll {
				return grant.DevicePoll{Code: codes.DeviceCode[:20] + map[bool]string{true: "B", false: "A"}[codes.DeviceCode[20] == 'A'] + codes.DeviceCode[21:]}
			}, "invalid_grant"},
			"a word":     {func(grant.DeviceCodes) grant.DevicePoll { return grant.DevicePoll{Code: "lkd_x"} }, "invalid_grant"},
			"a password": {func(grant.DeviceCodes) grant.DevicePoll { return grant.DevicePoll{Code: adaPassword} }, "invalid_grant"},
			"after the browser was signed out": {func(codes grant.DeviceCodes) grant.DevicePoll {
				d.approve(codes.UserCode)
				if err := d.Browsers.SignOut(t.Context(), d.ada, at(couch)); err != nil {
					t.Fatal(err)
				}
				return grant.DevicePoll{Code: codes.DeviceCode}
			}, "access_denied"},
		} {
			d.ada = d.browse(t, "the laptop's mark", couch)
			p := c.do(d.start())
			if p.Client == (client.Identity{}) {
				p.Client = d.tv
			}
			p.From = at(couch)
			_, err := d.DeviceCodes.Poll(t.Context(), p)
			d.want(what, c.want, err)
			d.advance(time.Hour) // a new window of the limits
		}
		d.ada = d.browse(t, "the laptop's mark", couch)
		codes := d.start()
		d.approve(codes.UserCode)
		if _, err := d.Operator.Disable(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		_, err := d.poll(codes.DeviceCode, at(couch))
		d.want("for a disabled account", "access_denied", err)
	})
}

func TestUserCodesAreForOneAccountAndCannotBeGuessed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		if _, err := d.Operator.AddUser(t.Context(), "eve@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		_, eve := d.browser(t, "eve@example.com", adaPassword)
		codes := d.start()
		sealed := d.find(codes.UserCode)
		_, err := d.DeviceCodes.Ask(t.Context(), eve, sealed)
		d.want("another account's page", "dead", err)
		d.want("another account's approval", "dead", d.DeviceCodes.Approve(t.Context(), eve, d.approval(sealed)))
		d.want("another account's denial", "dead", d.DeviceCodes.Deny(t.Context(), eve, sealed))
		d.want("no page", "dead", d.DeviceCodes.Deny(t.Context(), eve, "AAAA"))

		theirs, err := d.DeviceCodes.Find(t.Context(), eve, codes.UserCode, at(abroad))
		if err != nil {
			t.Fatal(err)
		}
		d.approve(codes.UserCode)
		d.want("approved by another account", "dead", d.DeviceCodes.Approve(t.Context(), eve, d.approval(theirs)))
		if ask, err := d.DeviceCodes.Ask(t.Context(), eve, theirs); err != nil || ask.State != grant.DeviceUsed {
			t.Errorf("%+v %v", ask, err)
		}
		_, used := d.DeviceCodes.Find(t.Context(), eve, codes.UserCode, at(abroad))
		_, unknown := d.DeviceCodes.Find(t.Context(), eve, "BCDF-GHJK", at(abroad))
		_, garbage := d.DeviceCodes.Find(t.Context(), eve, "what is this", at(abroad))
		if used == nil || used.Error() != unknown.Error() || unknown.Error() != garbage.Error() {
			t.Errorf("%v, %v, %v", used, unknown, garbage)
		}
		for range ratelimit.MaxUserCodes - 3 {
			_, err = d.DeviceCodes.Find(t.Context(), eve, "BCDF-GHJK", at(abroad))
			d.want("a guess", "invalid_request", err)
		}
		next := d.start()
		_, err = d.DeviceCodes.Find(t.Context(), eve, next.UserCode, at("198.51.100.1"))
		d.want("the right code after too many", "rate limited", err)
		d.advance(ratelimit.AttemptWindow)
		next = d.start()
		_, err = d.DeviceCodes.Find(t.Context(), eve, next.UserCode, at("198.51.100.1"))
		d.want("later", "ok", err)
		for i := 0; ; i++ { // many accounts of one network
			err := d.Limits.CountRequest(t.Context(), d.Limits.NetworkQuota(at(abroad), ratelimit.MaxNetUserCodes, "user codes"))
			if err != nil {
				if i != ratelimit.MaxNetUserCodes {
					t.Errorf("%d guesses from one network", i)
				}
				break
			}
		}
		_, err = d.DeviceCodes.Find(t.Context(), d.ada, next.UserCode, at(abroad))
		d.want("from that network", "rate limited", err)
	})
}

func TestANetworkHasTwentyCodesThatWait(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		var ok, limited atomic.Int64
		raceTogether(2*grant.MaxNetDeviceCodes, func(int) {
			_, err := d.DeviceCodes.Start(t.Context(), grant.DeviceRequest{Client: d.tv, From: at(couch)})
			switch refusal(err) {
			case "ok":
				ok.Add(1)
			case "rate limited":
				limited.Add(1)
			default:
				t.Error(err)
			}
		})
		if ok.Load() != grant.MaxNetDeviceCodes || limited.Load() != grant.MaxNetDeviceCodes {
			t.Errorf("%d codes and %d refusals", ok.Load(), limited.Load())
		}
		if _, err := d.DeviceCodes.Start(t.Context(), grant.DeviceRequest{Client: d.tv, From: at(abroad)}); err != nil {
			t.Errorf("from another network: %v", err)
		}
	})
}

func TestPollsAtOnceGetOneDevice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		codes := d.start()
		d.approve(codes.UserCode)
		var mu sync.Mutex
		tokens := map[string]int{}
		raceTogether(50, func(int) {
			answer, err := d.poll(codes.DeviceCode, at(couch))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			tokens[answer.RefreshToken]++
		})
		list, err := store.LiveDevices(t.Context(), d.ada.User.ID, d.live())
		if err != nil || len(tokens) != 1 || len(list) != 2 || list[0].Generation != 1 && list[1].Generation != 1 {
			t.Errorf("%d different tokens, %+v, %v", len(tokens), list, err)
		}
	})
}

// A device that is bound to a key at its first request is bound to it for good.
func TestADeviceCodeIsBoundToItsKey(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		bench := &forkBench{t: t, desk: d.desk}
		hers, his := newProver(t, 1), newProver(t, 2)
		codes, err := d.DeviceCodes.Start(t.Context(), grant.DeviceRequest{Client: d.tv, From: at(couch), Proof: hers.proof(bench)})
		if err != nil {
			t.Fatal(err)
		}
		poll := func(proof token.Proof, from string) (token.Answer, error) {
			return d.DeviceCodes.Poll(t.Context(), grant.DevicePoll{Code: codes.DeviceCode, Client: d.tv, From: at(from), Proof: proof})
		}
		d.approve(codes.UserCode)
		_, err = poll(token.Proof{}, couch)
		d.want("without a proof", "invalid_dpop_proof", err)
		_, err = poll(his.proof(bench), couch)
		d.want("with another key", "invalid_grant", err)
		used := hers.proof(bench)
		first, err := poll(used, couch)
		if err != nil || first.TokenType != "DPoP" {
			t.Fatalf("%+v %v", first, err)
		}
		_, err = poll(used, couch)
		d.want("with a proof that was used", "invalid_dpop_proof", err)
		if again, err := poll(hers.proof(bench), abroad); err != nil || again.RefreshToken != first.RefreshToken {
			t.Errorf("a lost answer, from elsewhere with the key: %v", err)
		}
	})
}

// Until a person has answered, a poll is one UPDATE by primary key. What is no code of ours costs no statement.
func TestWhatAPollCosts(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		var n atomic.Int64
		store, err := models.Open(t.Context(), models.Config{URL: url, OnStatement: func(string) { n.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		d := newTVDesk(t, store)
		codes := d.start()
		poll := func(what, code, want string, statements int64) {
			t.Helper()
			n.Store(0)
			_, err := d.poll(code, at(couch))
			if d.want(what, want, err); n.Load() != statements {
				t.Errorf("%s: %d statements, want %d", what, n.Load(), statements)
			}
		}
		poll("pending", codes.DeviceCode, "authorization_pending", 1)
		poll("too early", codes.DeviceCode, "slow_down", 1)
		poll("not ours", codes.DeviceCode+"A", "invalid_grant", 0)
		n.Store(0)
		d.start()
		if n.Load() != 4 {
			t.Errorf("a request: %d statements", n.Load())
		}
		d.approve(codes.UserCode)
		poll("the device", codes.DeviceCode, "ok", 12)
		poll("again", codes.DeviceCode, "ok", 4)
		d.advance(time.Hour)
		if _, err := d.Clients.Apps(t.Context()); err != nil { // reads the clients again
			t.Fatal(err)
		}
		poll("expired", codes.DeviceCode, "expired_token", 0)
	})
}
