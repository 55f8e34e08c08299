package services_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/services"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestACodeBecomesADevice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		server, seen := v.post(t), 0
		v.phone.UserAgent = "the app"
		if _, kinds := v.told(t, server, &seen); kinds != "" {
			t.Fatalf("mails before: %s", kinds)
		}
		answer := v.redeem(t, v.given(t, "device_name", "not this one"))
		apps := v.apps(t)
		if len(apps) != 1 || apps[0].ID != answer.DeviceID {
			t.Fatalf("%+v", apps)
		}
		d := apps[0]
		if d.Name != "Notes on the laptop" || answer.DeviceName != d.Name || d.ClientID != "notes" || d.Scope != "openid email offline_access" || answer.Scope != d.Scope ||
			d.ThroughAgent != "a browser" || d.UserAgent != "the app" || d.CreatedIP != "192.0.2.2" || d.Generation != 1 || d.JKT != "" || d.ProvedBy != models.ByPassword ||
			d.SignedInBy != models.ByPassword || !d.Proved().Equal(v.here(t).Device.Proved()) || answer.TokenType != "Bearer" || answer.IDToken == "" {
			t.Errorf("%+v\n%+v", d, answer)
		}
		for range 2 {
			if answer, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, Client: client.Identity{ID: "notes"}, From: v.phone}); err != nil || answer.Scope != d.Scope || answer.IDToken != "" {
				t.Errorf("refreshed: %+v %v", answer, err)
			}
		}
		// The owner is told of each such device, also of one in a browser that the account knows.
		if _, kinds := v.told(t, server, &seen); kinds != "new_device" {
			t.Errorf("mails: %q", kinds)
		}
		v.advance(24 * time.Hour)
		v.signIn(t, v.laptop)
		v.redeem(t, v.given(t, "scope", ""))
		if _, kinds := v.told(t, server, &seen); kinds != "new_device" {
			t.Errorf("mails of the second: %q", kinds)
		}
	})
}

func TestWhatDoesNotBelongToACodeChangesNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		key, other := newProver(t, 1), newProver(t, 2)
		bound := v.given(t, "dpop_jkt", key.thumb)
		code := v.given(t)
		at := func(p *prover) token.Proof { return p.proofAt(t, v.config.Issuer+"/oauth/token", v.now()) }
		secret, err := v.Clients.Update(t.Context(), "other", client.Change{Confidential: true})
		if err != nil {
			t.Fatal(err)
		}
		confidential, err := v.Clients.Authenticate(t.Context(), client.Credentials{ID: "other", Secret: secret.Secret}, v.phone)
		if err != nil {
			t.Fatal(err)
		}
		wrong := map[string]struct {
			change func(*grant.Redemption)
			want   auth.Kind
		}{
			"no client":            {func(r *grant.Redemption) { r.Client = client.Identity{} }, auth.KindInvalidRequest},
			"an unknown client":    {func(r *grant.Redemption) { r.Client.ID = "nobody" }, auth.KindInvalidClient},
			"another client":       {func(r *grant.Redemption) { r.Client.ID = "board" }, auth.KindInvalidGrant},
			"another of this URI":  {func(r *grant.Redemption) { r.Client = confidential }, auth.KindInvalidGrant},
			"another URI":          {func(r *grant.Redemption) { r.RedirectURI = nativeURI }, auth.KindInvalidGrant},
			"no URI":               {func(r *grant.Redemption) { r.RedirectURI = "" }, auth.KindInvalidGrant},
			"another verifier":     {func(r *grant.Redemption) { r.Verifier = strings.Repeat("x", 43) }, auth.KindInvalidGrant},
			"the challenge":        {func(r *grant.Redemption) { r.Verifier = challengeOf(grantVerifier) }, auth.KindInvalidGrant},
			"no verifier":          {func(r *grant.Redemption) { r.Verifier = "" }, auth.KindInvalidGrant},
			"a longer verifier":    {func(r *grant.Redemption) { r.Verifier += "~" }, auth.KindInvalidGrant},
			"a code in capitals":   {func(r *grant.Redemption) { r.Code = strings.ToUpper(r.Code) }, auth.KindInvalidGrant},
			"a code with a tail":   {func(r *grant.Redemption) { r.Code += "A" }, auth.KindInvalidGrant},
			"a code without lkc_":  {func(r *grant.Redemption) { r.Code = strings.TrimPrefix(r.Code, "lkc_") }, auth.KindInvalidGrant},
			"no code":              {func(r *grant.Redemption) { r.Code = "" }, auth.KindInvalidGrant},
			"another code":         {func(r *grant.Redemption) { r.Code = "lkc_" + challengeOf("x") }, auth.KindInvalidGrant},
			"the request for it":   {func(r *grant.Redemption) { r.Code = v.request(t).Text }, auth.KindInvalidGrant},
			"a bad proof":          {func(r *grant.Redemption) { r.Proof = token.Proof{Headers: []string{"x"}} }, auth.KindInvalidProof},
			"the bound, no key":    {func(r *grant.Redemption) { r.Code = bound }, auth.KindInvalidProof},
			"the bound, other key": {func(r *grant.Redemption) { r.Code, r.Proof = bound, at(other) }, auth.KindInvalidGrant},
		}
		const tooOld = "when it is too old"
		tryAll := func(when string) {
			t.Helper()
			for _, from := range []auth.Caller{v.phone, v.laptop} {
				for name, c := range wrong {
					r := v.redemption(code)
					r.From = from
					c.change(&r)
					want := c.want
					if when == tooOld && r.Code == bound {
						want = auth.KindInvalidGrant
					}
					if _, err := v.Grants.Redeem(t.Context(), r); refused(err) != want {
						t.Errorf("%s, %s: %v", when, name, err)
					}
				}
			}
		}
		tryAll("before")
		if n := len(v.apps(t)); n != 0 {
			t.Fatalf("%d apps", n)
		}
		v.redeem(t, code)
		r := v.redemption(bound)
		r.Proof = at(key)
		if answer, err := v.Grants.Redeem(t.Context(), r); err != nil || answer.TokenType != "DPoP" {
			t.Fatal(err)
		}
		if _, err := v.Grants.Redeem(t.Context(), r); refused(err) != auth.KindInvalidProof {
			t.Errorf("the same proof again: %v", err)
		}
		tryAll("after")
		if n := len(v.apps(t)); n != 2 || v.countOf(t, v.ada.ID, models.EventDeviceRevoked) != 0 {
			t.Errorf("%d apps are left of 2", n)
		}
		v.advance(grant.CodeLife)
		tryAll(tooOld)
		if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindInvalidGrant || len(v.apps(t)) != 2 {
			t.Errorf("too old: %v", err)
		}
	})
}

// What happens to a code that comes twice: DESIGN's rules, so that a lost answer signs no one out, and a theft is found.
func TestACodeThatComesTwice(t *testing.T) {
	key, other := newProver(t, 1), newProver(t, 2)
	home, away, unknown := at("192.0.2.2"), at("198.51.100.7"), at("192.0.2.2")
	unknown.NetworkUnknown = true
	const same, nothing, ends, theft = "the same answer", "nothing", "ends", "theft"
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		server, seen := v.post(t), 0
		v.told(t, server, &seen)
		for name, c := range map[string]struct {
			first, again auth.Caller
			key, keyed   *prover // of the first and of the second redemption
			refreshed    bool
			after        time.Duration
			want         string
		}{
			"the same address":                             {home, home, nil, nil, false, 0, same},
			"the same address, late":                       {home, home, nil, nil, false, grant.CodeLife - time.Second, same},
			"the same address, too late":                   {home, home, nil, nil, false, grant.CodeLife, nothing},
			"another address":                              {home, away, nil, nil, false, 0, ends},
			"another address, too late":                    {home, away, nil, nil, false, grant.CodeLife, nothing},
			"an address that no one knows":                 {unknown, unknown, nil, nil, false, 0, ends},
			"the same address after a refresh":             {home, home, nil, nil, true, 0, nothing},
			"another address after a refresh":              {home, away, nil, nil, true, 0, theft},
			"another address after a refresh, late":        {home, away, nil, nil, true, grant.CodeLife - time.Second, theft},
			"another address after a refresh, too late":    {home, away, nil, nil, true, grant.CodeLife, nothing},
			"the key, the same address":                    {home, home, key, key, false, 0, same},
			"the key, another address":                     {home, away, key, key, false, 0, same},
			"the key, an address that no one knows":        {unknown, unknown, key, key, false, 0, same},
			"the key after a refresh":                      {home, home, key, key, true, 0, nothing},
			"the key, another address after a refresh":     {home, away, key, key, true, 0, nothing},
			"another key":                                  {home, home, key, other, false, 0, nothing},
			"another key, another address after a refresh": {home, away, key, other, true, 0, nothing},
			"no key": {home, home, key, nil, false, 0, nothing},
			"no key, another address after a refresh":         {home, away, key, nil, true, 0, nothing},
			"a key that comes only then":                      {home, home, nil, key, false, 0, same},
			"a key that comes only then from another address": {home, away, nil, key, false, 0, ends},
		} {
			v.advance(2 * time.Hour)
			v.signIn(t, v.laptop)
			proofOf := func(p *prover) token.Proof {
				if p == nil {
					return token.Proof{}
				}
				return p.proofAt(t, v.config.Issuer+"/oauth/token", v.now())
			}
			code := v.given(t)
			v.advance(time.Second)
			r := v.redemption(code)
			r.From, r.Proof = c.first, proofOf(c.key)
			first, err := v.Grants.Redeem(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if c.refreshed {
				if _, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: first.RefreshToken, From: c.first, Proof: proofOf(c.key)}); err != nil {
					t.Fatal(err)
				}
			}
			v.told(t, server, &seen)
			revoked, reused := v.countOf(t, v.ada.ID, models.EventDeviceRevoked), v.countOf(t, v.ada.ID, models.EventDeviceReused)
			v.advance(max(c.after-time.Second, 0))
			r.From, r.Proof = c.again, proofOf(c.keyed)
			again, err := v.Grants.Redeem(t.Context(), r)
			got := nothing
			_, kinds := v.told(t, server, &seen)
			live := len(v.apps(t)) == 1
			switch revoked, reused = v.countOf(t, v.ada.ID, models.EventDeviceRevoked)-revoked, v.countOf(t, v.ada.ID, models.EventDeviceReused)-reused; {
			case err == nil && again.RefreshToken == first.RefreshToken && again.DeviceID == first.DeviceID && again.IDToken != "":
				got = same
			case err == nil:
				got = "another answer"
			case !live && revoked == 1 && reused == 0 && kinds == "":
				got = ends
			case !live && revoked == 0 && reused == 1 && kinds == "device_reused":
				got = theft
			case !live || kinds != "" || revoked+reused > 0:
				got = "something: " + kinds
			}
			if got != c.want || err != nil && refused(err) != auth.KindInvalidGrant {
				t.Errorf("%s: %s, want %s (%v)", name, got, c.want, err)
			}
			if got == ends || got == theft {
				if _, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: first.RefreshToken, From: c.first, Proof: proofOf(c.key)}); refused(err) != auth.KindInvalidGrant {
					t.Errorf("%s: the device lives on: %v", name, err)
				}
				if again, err := v.Grants.Redeem(t.Context(), r); refused(err) != auth.KindInvalidGrant && refused(err) != auth.KindInvalidProof {
					t.Errorf("%s: the third time: %+v %v", name, again, err)
				}
			}
			if _, err := v.Devices.RevokeOthers(t.Context(), v.here(t), v.laptop); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// While the server's secret is changed, one replica may make the device and another give the lost answer again.
func TestALostAnswerSurvivesANewSecretOfTheServer(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		q := v.request(t)
		code, err := v.approve(t.Context(), v.here(t), q.Text)
		if err != nil {
			t.Fatal(err)
		}
		next := []byte(strings.Repeat("\x02", 32))
		v.change(t, func(c *services.Config) { c.Secret, c.Previous = next, [][]byte{testSecret} })
		if again, err := v.approve(t.Context(), v.here(t), q.Text); err != nil || again.Text != code.Text {
			t.Errorf("the same form under the next secret: %q, want %q, %v", again.Text, code.Text, err)
		}
		first := v.redeem(t, code.Text)
		v.change(t, func(c *services.Config) { c.Secret, c.Previous = testSecret, [][]byte{next} })
		again := v.redeem(t, code.Text)
		if len(v.apps(t)) != 1 {
			t.Errorf("%d apps", len(v.apps(t)))
		}
		for _, answer := range []token.Answer{first, again} {
			if _, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, From: v.phone}); err != nil {
				t.Errorf("the refresh token: %v", err)
			}
		}
		v.change(t, func(c *services.Config) { c.Previous = nil })
		if _, err := v.Grants.Redeem(t.Context(), v.redemption(code.Text)); refused(err) != auth.KindInvalidGrant {
			t.Errorf("after a refresh: %v", err)
		}
	})
}

func TestACodeRedeemedFiftyTimesAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		v.change(t, func(c *services.Config) { c.Workers = 64 })
		code := v.given(t)
		answers := make([]token.Answer, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				var err error
				if answers[i], err = v.Grants.Redeem(t.Context(), v.redemption(code)); err != nil {
					t.Errorf("redemption %d: %v", i, err)
				}
			})
			if i%5 == 0 {
				all.Go(func() { // who has copied the code from the address bar
					r := v.redemption(code)
					r.Verifier, r.From = strings.Repeat("thief", 10), at("198.51.100.7")
					if _, err := v.Grants.Redeem(t.Context(), r); refused(err) != auth.KindInvalidGrant {
						t.Errorf("a thief: %v", err)
					}
				})
			}
		}
		all.Wait()
		for i, answer := range answers {
			if answer.RefreshToken != answers[0].RefreshToken || answer.DeviceID != answers[0].DeviceID {
				t.Errorf("answer %d differs: %+v", i, answer)
			}
		}
		apps := v.apps(t)
		if len(apps) != 1 || apps[0].Generation != 1 || v.countOf(t, v.ada.ID, models.EventSignIn) != 2 {
			t.Errorf("%d apps, %d sign-ins", len(apps), v.countOf(t, v.ada.ID, models.EventSignIn))
		}
		if _, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answers[49].RefreshToken, From: v.phone}); err != nil {
			t.Error(err)
		}
	})
}

func TestACodeDiesWithTheBrowserThatApprovedIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		code := v.given(t)
		if err := v.Browsers.SignOut(t.Context(), v.here(t), v.laptop); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindInvalidGrant || len(v.apps(t)) != 0 {
			t.Errorf("the browser was signed out: %v", err)
		}
	})
}

func TestAConfidentialClientsCodeNeedsItsSecret(t *testing.T) {
	v := newVisitor(t, openStore(t))
	added, err := v.Clients.Update(t.Context(), "notes", client.Change{Confidential: true})
	if err != nil {
		t.Fatal(err)
	}
	code := v.given(t)
	for _, secret := range []string{"", "wrong"} {
		if _, err := v.Clients.Authenticate(t.Context(), client.Credentials{ID: "notes", Secret: secret}, v.phone); refused(err) != auth.KindInvalidClient {
			t.Errorf("%q: %v", secret, err)
		}
	}
	// The endpoint authenticates first. Where it did not, as for a list of clients that another replica has just changed, the code still asks.
	if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindInvalidClient || len(v.apps(t)) > 0 {
		t.Errorf("not authenticated: %v", err)
	}
	who, err := v.Clients.Authenticate(t.Context(), client.Credentials{ID: "notes", Secret: added.Secret}, v.phone)
	if err != nil {
		t.Fatal(err)
	}
	r := v.redemption(code)
	r.Client = who
	answer, err := v.Grants.Redeem(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, Client: client.Identity{ID: "notes"}, From: v.phone}); refused(err) != auth.KindInvalidClient {
		t.Errorf("a refresh without the secret: %v", err)
	}
	if _, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, Client: who, From: v.phone}); err != nil {
		t.Error(err)
	}
}

func TestAServerThatWantsKeysWantsOneForACode(t *testing.T) {
	v := newVisitor(t, openStore(t))
	v.change(t, func(c *services.Config) { c.DPoPRequired = true })
	code := v.given(t)
	if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindInvalidProof || len(v.apps(t)) > 0 {
		t.Errorf("without a key: %v", err)
	}
	r := v.redemption(code)
	r.Proof = newProver(t, 1).proofAt(t, v.config.Issuer+"/oauth/token", v.now())
	if answer, err := v.Grants.Redeem(t.Context(), r); err != nil || answer.TokenType != "DPoP" {
		t.Errorf("with a key: %v", err)
	}
}

// A full account gets no device, and the code stays good for when there is room.
func TestACodeOfAFullAccountStaysGood(t *testing.T) {
	v := newVisitor(t, openStore(t))
	v.change(t, func(c *services.Config) { c.MaxDevices = 1 })
	earlier, code := v.given(t), v.given(t)
	first := v.redeem(t, earlier)
	if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindTooManyDevices {
		t.Errorf("a second device of one: %v", err)
	}
	if _, err := v.Devices.Revoke(t.Context(), v.here(t), first.DeviceID.String(), v.laptop); err != nil {
		t.Fatal(err)
	}
	v.redeem(t, code)
}

// What each step costs: OPERATIONS names the numbers.
func TestStatementsOfASignInThroughTheBrowser(t *testing.T) {
	eachCounted(t, func(t *testing.T, store *models.Store, statements *atomic.Int64) {
		v := newVisitor(t, store)
		by, q := v.here(t), v.request(t)
		var code grant.Code
		var answer token.Answer
		for _, c := range []struct {
			what string
			want int64
			do   func() error
		}{
			{"check a request", 0, func() error { _, err := v.Grants.Check(t.Context(), asking()); return err }},
			{"open a request", 1, func() error { _, err := v.Grants.Open(t.Context(), q.Text); return err }},
			{"approve", 9, func() (err error) { code, err = v.approve(t.Context(), by, q.Text); return err }},
			{"redeem", 11, func() (err error) { answer, err = v.Grants.Redeem(t.Context(), v.redemption(code.Text)); return err }},
			{"redeem again", 3, func() error { _, err := v.Grants.Redeem(t.Context(), v.redemption(code.Text)); return err }},
			{"refuse a code", 1, func() error { _, _ = v.Grants.Redeem(t.Context(), v.redemption("lkc_"+challengeOf("x"))); return nil }},
			{"refresh", 1, func() error {
				_, err := v.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: answer.RefreshToken, Client: client.Identity{ID: "notes"}, From: v.phone})
				return err
			}},
		} {
			before := statements.Load()
			if err := c.do(); err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
			if n := statements.Load() - before; n != c.want {
				t.Errorf("%s: %d statements, want %d", c.what, n, c.want)
			}
		}
	})
}
