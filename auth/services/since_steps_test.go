package services_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/factor"
	"latchkey/auth/grant"
	"latchkey/auth/signin"
	"latchkey/models"
)

// sinceSteps are the possible steps; those that appear more often happen more often.
var sinceSteps = slices.Concat(
	slices.Repeat([]func(*sinceWorld){(*sinceWorld).signInApp, (*sinceWorld).signInApp, (*sinceWorld).signInBrowser, (*sinceWorld).anAppRefreshes}, 3),
	slices.Repeat([]func(*sinceWorld){
		(*sinceWorld).passkeyAlone, (*sinceWorld).passkeyInAnApp, (*sinceWorld).secondStepWaits, (*sinceWorld).appStepWaits, (*sinceWorld).approveCode, (*sinceWorld).approveTV, (*sinceWorld).takeWaiting, (*sinceWorld).takeWaiting,
		(*sinceWorld).addApp, (*sinceWorld).addPasskeyOfHers, (*sinceWorld).makeCodes,
	}, 2),
	[]func(*sinceWorld){
		func(w *sinceWorld) { w.act("portal") }, func(w *sinceWorld) { w.act("portal, confirmed") },
		func(w *sinceWorld) { w.act("API") }, func(w *sinceWorld) { w.act("link") },
	},
)

func (b *sinceBench) registerTV(t *testing.T) {
	t.Helper()
	if _, err := b.Clients.Add(t.Context(), client.Registration{Name: "Television", ID: "tv", DeviceGrant: true}); err != nil {
		t.Fatal(err)
	}
}

// from is a caller of its own: a browser that sends its form twice would get the same sign-in.
func (w *sinceWorld) from() auth.Caller {
	from := w.laptop
	from.Browser = fmt.Sprintf("mark %d of story %d", w.steps, w.stories)
	return from
}

func (w *sinceWorld) addBrowser(how string, key browser.Key) {
	if key.Trust != "" {
		w.trusted = append(w.trusted, key.Trust)
	}
	w.add(&sinceDevice{id: key.DeviceID, how: how, key: key})
}

// secondStep returns an answer to a challenge by one of the factors, or false where none can be used now.
func (w *sinceWorld) secondStep(s *challenge.StepError) (a challenge.Answer, ok bool) {
	f := w.usable()
	if f == nil {
		return a, false
	}
	a = challenge.Answer{Challenge: s.Challenge, From: w.from()}
	switch f.kind {
	case models.FactorPasskey:
		a.Method, a.Credential = challenge.MethodPasskey, f.passkey.answer(w.t, s.PublicKey, "https://"+passkeyHost)
	case models.FactorTOTP:
		a.Method, a.Code = challenge.MethodTOTP, w.codeOf(f)
	default:
		a.Method, a.Code = challenge.MethodRecoveryCode, w.codeOf(f)
	}
	return a, true
}

// usable returns a factor that a code or an answer can be had of now.
func (w *sinceWorld) usable() *sinceFactor {
	list := slices.DeleteFunc(slices.Clone(w.factors), func(f *sinceFactor) bool {
		return f.kind == models.FactorTOTP && w.now().Unix()/30 <= f.last || f.kind == models.FactorRecoveryCode && len(f.codes) == 0
	})
	if len(list) == 0 {
		return nil
	}
	return pick(w, "factor", list)
}

// codeOf uses up a code.
func (w *sinceWorld) codeOf(f *sinceFactor) (code string) {
	if f.kind == models.FactorTOTP {
		f.last = w.now().Unix() / 30
		return w.code(w.t, f.secret)
	}
	code, f.codes = f.codes[0], f.codes[1:]
	return code
}

func (w *sinceWorld) signInBrowser() {
	from := w.from()
	key, err := w.SignIn.LoginBrowser(w.t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: from, Trusted: w.trusted})
	how := "browser, password"
	if err == nil && len(w.trusted) > 0 {
		how = "browser, trusted"
	}
	var step *challenge.StepError
	if errors.As(err, &step) {
		a, ok := w.secondStep(step)
		if !ok {
			return
		}
		how = "browser, password and " + string(a.Method)
		key, err = w.SignIn.FinishBrowser(w.t.Context(), signin.BrowserAnswer{Answer: a, Trust: rapid.Bool().Draw(w.rt, "trust")})
	}
	if err != nil {
		w.failed(how, err)
		return
	}
	w.addBrowser(how, key)
}

func (w *sinceWorld) passkeyAlone() {
	f := w.passkeyOfHers()
	if f == nil {
		w.addPasskeyOfHers()
		return
	}
	start, err := w.SignIn.StartPasskey()
	if err != nil {
		w.rt.Fatal(err)
	}
	a := challenge.Answer{Challenge: start.Challenge, Method: challenge.MethodPasskey, Credential: f.passkey.answer(w.t, start.PublicKey, "https://"+passkeyHost), From: w.from()}
	key, err := w.SignIn.FinishBrowser(w.t.Context(), signin.BrowserAnswer{Answer: a})
	if err != nil {
		w.failed("a passkey alone", err)
		return
	}
	w.addBrowser("browser, passkey", key)
}

// secondStepWaits gives the password, and keeps the right answer to the second step for later.
func (w *sinceWorld) secondStepWaits() {
	key, err := w.SignIn.LoginBrowser(w.t.Context(), browser.Login{Email: adaEmail, Password: adaPassword, From: w.from()})
	var step *challenge.StepError
	switch {
	case err == nil:
		w.addBrowser("browser, password", key)
		return
	case !errors.As(err, &step):
		w.rt.Fatal(err)
	}
	f := w.passkeyOfHers()
	if f == nil {
		return
	}
	a := challenge.Answer{Challenge: step.Challenge, Method: challenge.MethodPasskey, Credential: f.passkey.answer(w.t, step.PublicKey, "https://"+passkeyHost), From: w.from()}
	w.waits = append(w.waits, waiting{"a second step", func() error {
		key, err := w.SignIn.FinishBrowser(w.t.Context(), signin.BrowserAnswer{Answer: a})
		if err == nil {
			w.addBrowser("browser, second step later", key)
		}
		return err
	}})
}

// takeWaiting lets one of the things that wait become a device, if it still may.
func (w *sinceWorld) takeWaiting() {
	if len(w.waits) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.waits)-1).Draw(w.rt, "which")
	p := w.waits[i]
	w.waits = slices.Delete(w.waits, i, i+1)
	_ = p.take() // it may be too old by now, or the factors have changed
}

func isBrowser(d *sinceDevice) bool { return d.token == "" }

// proof returns what a form asks for, with a factor that fits, or false where no factor fits.
func (w *sinceWorld) proof(by *browser.Session, fits func(*sinceFactor) bool) (c confirm.Confirmation, f *sinceFactor, ok bool) {
	c = confirmed(adaPassword, w.laptop)
	if !by.User.SecondFactor {
		return c, nil, true
	}
	list := slices.DeleteFunc(slices.Clone(w.factors), func(f *sinceFactor) bool {
		return !fits(f) || f.kind == models.FactorTOTP && w.now().Unix()/30 <= f.last || f.kind == models.FactorRecoveryCode && len(f.codes) == 0
	})
	if len(list) == 0 {
		return c, nil, false
	}
	f = pick(w, "proof", list)
	if f.kind != models.FactorPasskey {
		c.Code = w.codeOf(f)
		return c, f, true
	}
	o, err := w.Confirm.Options(w.t.Context(), by.User)
	if err != nil {
		w.rt.Fatal(err)
	}
	return confirm.Confirmation{Challenge: o.Passkey.Challenge, Passkey: f.passkey.answer(w.t, o.Passkey.PublicKey, "https://"+passkeyHost), From: w.laptop}, f, true
}

func anyFactor(*sinceFactor) bool { return true }

// approveCode approves the request of an app in a browser; the code waits.
func (w *sinceWorld) approveCode() {
	d := w.some("browser", isBrowser)
	if d == nil {
		return
	}
	by := w.browserOf(d)
	c, _, ok := w.proof(by, anyFactor)
	if !ok {
		return
	}
	code, err := w.Grants.Approve(w.t.Context(), by, grant.Approval{Sealed: w.request(w.t).Text, DeviceName: "Notes", Confirmation: c, From: w.laptop})
	if err != nil {
		w.failed("approve a code", err)
		return
	}
	w.waits = append(w.waits, waiting{"a code", func() error {
		r, i := w.redemption(code.Text), w.installing("notes")
		r.Installation, r.Proof = i.sent(), w.proofBy(i.key)
		may := w.places(i)
		answer, err := w.Grants.Redeem(w.t.Context(), r)
		if err == nil {
			w.installed("app, code", answer, i, may)
		}
		return err
	}})
}

// approveTV approves the code of a television in a browser; the television has not asked yet.
func (w *sinceWorld) approveTV() {
	d := w.some("browser", isBrowser)
	if d == nil {
		return
	}
	by := w.browserOf(d)
	c, _, ok := w.proof(by, anyFactor)
	if !ok {
		return
	}
	ctx := w.t.Context()
	who, err := w.Clients.Authenticate(ctx, client.Credentials{ID: "tv"}, w.phone)
	if err != nil {
		w.rt.Fatal(err)
	}
	codes, err := w.DeviceCodes.Start(ctx, grant.DeviceRequest{Client: who, Scope: "openid", DeviceName: "Living room", From: w.phone})
	if err != nil {
		w.rt.Fatal(err)
	}
	sealed, err := w.DeviceCodes.Find(ctx, by, codes.UserCode, w.laptop)
	if err == nil {
		err = w.DeviceCodes.Approve(ctx, by, grant.DeviceApproval{Sealed: sealed, DeviceName: "Living room", Confirmation: c, From: w.laptop})
	}
	if err != nil {
		w.failed("approve a television", err)
		return
	}
	w.waits = append(w.waits, waiting{"an approved television", func() error {
		i := w.installing("tv")
		i.key = nil // it asked for the code without one
		may := w.places(i)
		answer, err := w.DeviceCodes.Poll(ctx, grant.DevicePoll{Code: codes.DeviceCode, Client: who, Installation: i.sent(), From: w.phone})
		if err == nil {
			w.installed("app, device code", answer, i, may)
		}
		return err
	}})
}

// addApp adds an authenticator app to an account without one.
func (w *sinceWorld) addApp() {
	d := w.some("browser", isBrowser)
	if d == nil || slices.ContainsFunc(w.factors, func(f *sinceFactor) bool { return f.kind == models.FactorTOTP }) {
		return
	}
	by := w.browserOf(d)
	c, _, ok := w.proof(by, anyFactor)
	if !ok {
		return
	}
	app, err := w.Factors.StartApp(by)
	if err != nil {
		w.rt.Fatal(err)
	}
	f := &sinceFactor{kind: models.FactorTOTP, secret: strings.ReplaceAll(app.Secret, " ", ""), order: w.next()}
	before := w.stored()
	if _, err := w.Factors.AddApp(w.t.Context(), by, factor.NewApp{Act: factor.Act{Confirmation: c}, Sealed: app.Sealed, Code: w.codeOf(f), From: w.laptop}); err != nil {
		w.failed("add an app", err)
		return
	}
	w.addFactor(f, before)
}

// addFactor notes a factor under the id that it got. Every change of factors ends trusted browsers and second steps that wait.
func (w *sinceWorld) addFactor(f *sinceFactor, before map[uuid.UUID]bool) {
	for _, stored := range w.factorsOf(w.t) {
		if !before[stored.ID] && stored.Kind == f.kind {
			f.id = stored.ID
		}
	}
	w.factors, w.trusted = append(w.factors, f), nil
}

func (w *sinceWorld) addPasskeyOfHers() {
	if len(w.factors) > 6 {
		return
	}
	f, before := &sinceFactor{kind: models.FactorPasskey, order: w.next()}, w.stored()
	f.passkey = w.addPasskey(w.t)
	w.addFactor(f, before)
}

// makeCodes makes recovery codes in place of the earlier ones.
func (w *sinceWorld) makeCodes() {
	d := w.some("browser", isBrowser)
	if d == nil || !slices.ContainsFunc(w.factors, func(f *sinceFactor) bool { return f.kind != models.FactorRecoveryCode }) {
		return
	}
	by := w.browserOf(d)
	c, _, ok := w.proof(by, anyFactor)
	if !ok {
		return
	}
	before := w.stored()
	codes, err := w.Factors.NewCodes(w.t.Context(), by, c, w.laptop)
	if err != nil {
		w.failed("make codes", err)
		return
	}
	w.factors = slices.DeleteFunc(w.factors, func(f *sinceFactor) bool { return f.kind == models.FactorRecoveryCode })
	w.addFactor(&sinceFactor{kind: models.FactorRecoveryCode, order: w.next(), codes: codes}, before)
}

// failed ends the story for an error that is not a limit: a long story reaches some.
func (w *sinceWorld) failed(what string, err error) {
	if auth.AsError(err).Kind != auth.KindRateLimited {
		w.rt.Fatalf("%s: %v", what, err)
	}
}
