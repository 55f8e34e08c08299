package signin

import (
	"context"
	"errors"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// BrowserAnswer is the answer to a sign-in challenge on the portal: the second step, or a passkey alone.
type BrowserAnswer struct {
	challenge.Answer
	Trust    bool             // skip the second step in this browser for challenge.TrustLife
	Replaces *browser.Session // the browser's live session, which the new one ends; nil: none
}

// FinishBrowser signs a browser in after its second step, or with a passkey alone. It returns KindInvalidRequest, KindInvalidCode,
// KindInvalidChallenge, KindRateLimited, KindAccountDisabled or KindUnavailable.
func (s *Service) FinishBrowser(ctx context.Context, a BrowserAnswer) (browser.Key, error) {
	key, err := s.finishBrowser(ctx, a)
	if err == nil {
		return key, nil
	}
	if before, again := s.finishedBefore(ctx, a); again {
		return before, nil
	}
	s.tokens.CountFailedSignIn(models.KindBrowser, a.SignInMethod(), err)
	return browser.Key{}, err
}

func (s *Service) finishBrowser(ctx context.Context, a BrowserAnswer) (browser.Key, error) {
	ok, err := s.challenges.Check(ctx, challenge.BrowserSignIn, a.Answer)
	if err != nil {
		return browser.Key{}, err
	}
	n := s.browsers.New(token.Verified{User: ok.User, Rehashed: ok.Kept.Rehashed}, a.From, a.Replaces)
	var trust string
	if a.Trust {
		n.Row.Trust, trust = s.challenges.Trust(ok, a.From, n.Row.Device.CreatedAt)
	}
	d, err := s.addAnswered(ctx, n.Row, ok)
	if err != nil {
		return browser.Key{}, err
	}
	key := n.Key(d)
	key.Trust = trust
	return key, nil
}

// finishedBefore returns the key of the sign-in that an earlier submission of the same form made a moment ago.
func (s *Service) finishedBefore(ctx context.Context, a BrowserAnswer) (key browser.Key, ok bool) {
	if a.From.Browser == "" {
		return key, false
	}
	device, ok := s.challenges.AnsweredBefore(ctx, a.Answer)
	if !ok {
		return key, false
	}
	return s.browsers.Repeated(ctx, device, a.From.Browser)
}

// FinishApp signs an app in after its second step, or with a passkey alone. Its errors are those of Login and FinishBrowser. by
// must prove the same key as the first request, or none if that proved none.
func (s *Service) FinishApp(ctx context.Context, a challenge.Answer, by token.Proof) (token.Answer, error) {
	answer, err := s.finishApp(ctx, a, by)
	if err != nil {
		s.tokens.CountFailedSignIn(models.KindApp, a.SignInMethod(), err)
	}
	return answer, err
}

func (s *Service) finishApp(ctx context.Context, a challenge.Answer, by token.Proof) (token.Answer, error) {
	jkt, proof, err := s.tokens.CheckProof(by, "", dpop.Request{})
	if err != nil {
		return token.Answer{}, err
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return token.Answer{}, err // before anything is written: the tokens could not be signed
	}
	a.From.JKT = jkt
	ok, err := s.challenges.Check(ctx, challenge.AppSignIn, a)
	if err != nil {
		return token.Answer{}, err
	}
	if err := mayGoOn(ok, proof); err != nil {
		s.limits.GiveBack(ctx, ok.Counted)
		return token.Answer{}, err
	}
	n, secret := s.newApp(token.Verified{User: ok.User, Rehashed: ok.Kept.Rehashed}, a.From, ok.Kept.ClientID, ok.Kept.Device, ok.Kept.Installation)
	d, err := s.addAnswered(ctx, n, ok)
	if errors.Is(err, models.ErrTooManyDevices) {
		n.Device.SignedInBy, n.Factor, n.Challenge = ok.Method, &ok.Use, &ok.UsedUp
		if ok.Method == models.ByPasskey {
			n.Spend = s.limits.PasskeyBudget(ok.User.ID)
		}
		kept := challenge.Kept{
			Rehashed: ok.Kept.Rehashed, Device: ok.Kept.Device, ClientID: ok.Kept.ClientID, JKT: jkt,
			Installation: s.tokens.KeyInstallation(ok.Kept.Installation, ok.User.ID, ok.Kept.ClientID),
		}
		err = s.offerReplacement(ctx, n, ok.User, kept, a.From, err)
	}
	if err != nil {
		return token.Answer{}, err
	}
	return s.tokens.Issue(ctx, d, secret, jkt)
}

// mayGoOn checks an app's sign-in that began with an earlier request, and uses the proof of its key up.
func mayGoOn(ok challenge.Checked, proof *token.CheckedProof) error {
	switch {
	case !ok.Allowed: // the client was removed after the first request
		return unregistered(true)
	case ok.User.MustChoosePassword():
		return auth.ErrChoosePassword
	}
	return proof.ConsumeAs(ok.User.ID.String())
}

// addAnswered adds the device and uses up the answer, in one transaction.
func (s *Service) addAnswered(ctx context.Context, n models.NewDevice, ok challenge.Checked) (models.Device, error) {
	if ok.Method == models.ByPasskey {
		n.Verified, n.Rehashed = "", "" // no password was checked
		n.Spend = s.limits.PasskeyBudget(ok.User.ID)
	}
	n.Device.SignedInBy, n.Device.ProvedBy = ok.Method, ok.Method
	n.Factor, n.Challenge, n.Uncount = &ok.Use, &ok.UsedUp, ok.Counted
	d, err := s.tokens.AddDevice(ctx, n)
	if err != nil && !errors.Is(err, models.ErrUnavailable) {
		s.limits.GiveBack(ctx, ok.Counted) // the code was right, so it must not count as wrong
	}
	if errors.Is(err, models.ErrUsed) || errors.Is(err, models.ErrChanged) { // another answer was faster, or the account changed
		err = challenge.Invalid(err)
	}
	return d, err
}
