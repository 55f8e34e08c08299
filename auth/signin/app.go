package signin

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/token"
	"latchkey/models"
)

// DefaultClientID is the client_id of an app that sends none.
const DefaultClientID = "app"

// LoginRequest is a request to sign a person in on an app.
type LoginRequest struct {
	Email, Password string
	DeviceName      string      // 1–64 characters after trimming
	ClientID        string      // empty means DefaultClientID
	Proof           token.Proof // if it holds a proof, the device is bound to its key
	Installation    auth.SentInstallation
	From            auth.Caller
}

// Login creates an app device and its first tokens. It returns KindInvalidRequest, KindInvalidCredential, KindAccountDisabled,
// KindChoosePassword, KindSetUpFactor, KindTooManyDevices, KindRateLimited, KindUnauthorizedClient, KindInvalidProof,
// KindUseNonce or KindUnavailable. If the account has a second factor, it returns a challenge.StepError; if the account has too
// many devices and the new one can replace one of them, a challenge.FullError.
func (s *Service) Login(ctx context.Context, r LoginRequest) (token.Answer, error) {
	answer, err := s.login(ctx, r)
	if err != nil {
		s.tokens.CountFailedSignIn(models.KindApp, models.ByPassword, err)
	}
	return answer, err
}

func (s *Service) login(ctx context.Context, r LoginRequest) (token.Answer, error) {
	var bad auth.Fields
	checkCredentials(&bad, r.Email, r.Password)
	name, problem := auth.DeviceName(r.DeviceName)
	bad.Refuse("device_name", problem)
	named := r.ClientID != ""
	if !named {
		r.ClientID = DefaultClientID
	}
	bad.Text("client_id", r.ClientID, auth.MaxClientID)
	installed := s.tokens.ReadInstallation(r.Installation, &bad)
	if err := bad.Err(); err != nil {
		return token.Answer{}, err
	}
	jkt, proof, proofErr := s.tokens.CheckProof(r.Proof, auth.SameEmail(r.Email), dpop.Request{})
	if proofErr != nil {
		jkt = "" // an invalid proof proves no key
	}
	consumeProof := sync.OnceValue(proof.Consume) // signIn may check the password twice
	r.From.JKT = jkt
	a := attempt{password: r.Password, purpose: challenge.AppSignIn}
	a.Attempt = passwordcheck.Attempt{Email: r.Email, ClientID: r.ClientID, From: r.From, CheckApp: func(allowed bool) error {
		return s.checkApp(ctx, r, allowed, named, proofErr)
	}}
	a.keep = func(user models.User) (challenge.Kept, error) {
		if user.MustChoosePassword() {
			return challenge.Kept{}, auth.ErrChoosePassword
		}
		return challenge.Kept{Device: name, ClientID: r.ClientID, JKT: jkt, Installation: s.tokens.KeyInstallation(installed, user.ID, r.ClientID)}, consumeProof()
	}
	a.onFull = func(n models.NewDevice, v token.Verified, cause error) error {
		kept := challenge.Kept{Rehashed: v.Rehashed, Device: name, ClientID: r.ClientID, JKT: jkt, Installation: s.tokens.KeyInstallation(installed, v.User.ID, r.ClientID)}
		return s.offerReplacement(ctx, n, v.User, kept, r.From, cause)
	}
	var secret [devicetoken.SecretSize]byte
	d, err := s.signIn(ctx, a, func(v token.Verified) (n models.NewDevice, err error) {
		switch {
		case v.User.MustChoosePassword():
			return n, auth.ErrChoosePassword
		case s.config.SecondFactor == auth.FactorRequired: // an account with a second factor does not come here
			return n, auth.ErrSetUpFactor
		}
		n, secret = s.newApp(v, r.From, r.ClientID, name, installed)
		return n, consumeProof()
	})
	if err != nil {
		return token.Answer{}, err
	}
	return s.tokens.Issue(ctx, d, secret, jkt)
}

// newApp prepares the row of an app that signs in, bound to the key that the request proved, if any. It also returns the device's
// secret.
func (s *Service) newApp(v token.Verified, from auth.Caller, clientID, name string, i auth.Installation) (models.NewDevice, [devicetoken.SecretSize]byte) {
	n, secret := s.tokens.NewDevice(v, models.KindApp, from, s.config.DeviceLifetime)
	n.Device.ClientID, n.Device.MaxRefreshes, n.Device.JKT = clientID, s.config.MaxRefreshes, from.JKT
	n.FreeName = token.FreeName(name)
	s.tokens.SetInstallation(&n, i, from)
	return n, secret
}

// NewApp prepares the row of an app that signs in through a browser, bound to the key that the request proved, if any. The caller
// sets the row's secret and how its owner was verified.
func (s *Service) NewApp(v token.Verified, from auth.Caller, clientID, name string, i auth.Installation) models.NewDevice {
	n, _ := s.newApp(v, from, clientID, name, i)
	return n
}

// RequiresKey reports whether new apps must bind their tokens to a key.
func (s *Service) RequiresKey() bool { return s.config.DPoPRequired }

// checkApp checks everything about an app's sign-in except the password and the limits. allowed says whether the client may sign
// in, and named whether the request named one.
func (s *Service) checkApp(ctx context.Context, r LoginRequest, allowed, named bool, proofErr error) error {
	if !allowed {
		return unregistered(named)
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return err // before anything is written: the tokens could not be signed
	}
	if proofErr != nil {
		return proofErr
	}
	if r.From.JKT == "" && s.config.DPoPRequired {
		return auth.Refuse(auth.KindInvalidProof, "This server wants every app to prove a key of its own (DPoP).")
	}
	return nil
}

func unregistered(named bool) error {
	e := &auth.Error{Kind: auth.KindUnauthorizedClient, Message: "This client_id is not registered here."}
	detail := "This app is not registered here."
	if !named {
		e.Message = "Only registered apps can sign in here: send your client_id. Without one it is " + DefaultClientID + "."
		detail = "It is missing, and " + DefaultClientID + " is not registered here."
	}
	e.Fields = []auth.FieldProblem{{Field: "client_id", Detail: detail}}
	return e
}

// attempt is a sign-in with a password.
type attempt struct {
	passwordcheck.Attempt
	password string
	trusted  []string                                            // secrets of a browser that may skip the second step
	purpose  challenge.Purpose                                   // of the second step's challenge, if there is one
	keep     func(models.User) (challenge.Kept, error)           // returns what the challenge stores; nil: nothing
	onFull   func(models.NewDevice, token.Verified, error) error // replaces AddDevice's error for too many devices; may be nil
}

// signIn checks a password and adds the device that prepare makes. If the account changes in between, signIn checks the password
// once more: perhaps the password is a new one, but perhaps another sign-in only stored a new hash of the same password.
func (s *Service) signIn(ctx context.Context, a attempt, prepare func(token.Verified) (models.NewDevice, error)) (models.Device, error) {
	for again := true; ; again = false {
		d, err := s.signInOnce(ctx, a, prepare)
		if !again || !errors.Is(err, models.ErrChanged) {
			return d, err
		}
	}
}

func (s *Service) signInOnce(ctx context.Context, a attempt, prepare func(token.Verified) (models.NewDevice, error)) (models.Device, error) {
	c, err := s.passwords.Begin(ctx, a.Attempt)
	if err != nil {
		return models.Device{}, err
	}
	defer c.End(ctx)
	user, rehashed, err := c.Verify(ctx, a.password)
	if err != nil {
		return models.Device{}, err
	}
	v := token.Verified{User: user, Rehashed: rehashed}
	method := models.ByPassword
	var trusted *uuid.UUID
	if user.SecondFactor {
		if trusted, err = s.challenges.Trusted(ctx, user, a.trusted); err != nil {
			return models.Device{}, err
		}
		if trusted == nil {
			return models.Device{}, s.askSecondStep(ctx, c, v, a)
		}
		method = models.ByPasswordTrustedBrowser
	}
	n, err := prepare(v)
	if err != nil {
		return models.Device{}, err
	}
	n.Device.SignedInBy, n.Device.ProvedBy, n.Trusted = method, method, trusted
	n.Spend, n.Uncount = c.Budgets()
	d, err := s.tokens.AddDevice(ctx, n)
	if err == nil || errors.Is(err, models.ErrUnavailable) {
		c.TakenBack()
	}
	if errors.Is(err, models.ErrTooManyDevices) && a.onFull != nil {
		err = a.onFull(n, v, err)
	}
	return d, err
}

// askSecondStep stores the sign-in until its second step, counts it in the account's budget, and returns a challenge.StepError.
func (s *Service) askSecondStep(ctx context.Context, c *passwordcheck.Check, v token.Verified, a attempt) error {
	var kept challenge.Kept
	var err error
	if a.keep != nil {
		if kept, err = a.keep(v.User); err != nil {
			return err
		}
	}
	kept.Rehashed = v.Rehashed
	factors, err := s.challenges.Factors(ctx, v.User.ID)
	if err != nil {
		return err
	}
	spend, uncount := c.Budgets()
	err = s.challenges.Ask(ctx, challenge.Step{User: v.User, Factors: factors, Purpose: a.purpose, Kept: kept, From: a.From, Spend: spend, Uncount: uncount})
	if auth.AsError(err).Kind == auth.KindSecondFactor || errors.Is(err, models.ErrUnavailable) {
		c.TakenBack()
	}
	return err
}

// LoginBrowser creates a browser device, named after its User-Agent, and returns the key for its cookie. It returns
// KindInvalidRequest, KindInvalidCredential, KindAccountDisabled, KindRateLimited, KindUnavailable or, if a second step is
// needed, a challenge.StepError.
func (s *Service) LoginBrowser(ctx context.Context, r browser.Login) (browser.Key, error) {
	key, err := s.loginBrowser(ctx, r)
	if err != nil {
		s.tokens.CountFailedSignIn(models.KindBrowser, models.ByPassword, err)
	}
	return key, err
}

func (s *Service) loginBrowser(ctx context.Context, r browser.Login) (browser.Key, error) {
	var bad auth.Fields
	checkCredentials(&bad, r.Email, r.Password)
	if err := bad.Err(); err != nil {
		return browser.Key{}, err
	}
	var n *browser.SignIn
	a := attempt{
		Attempt: passwordcheck.Attempt{Email: r.Email, From: r.From}, password: r.Password, trusted: r.Trusted, purpose: challenge.BrowserSignIn,
	}
	d, err := s.signIn(ctx, a, func(v token.Verified) (models.NewDevice, error) {
		n = s.browsers.New(v, r.From, r.Replaces)
		return n.Row, nil
	})
	if err != nil {
		return browser.Key{}, err
	}
	return n.Key(d), nil
}

func checkCredentials(bad *auth.Fields, email, password string) {
	bad.Text("email", auth.TrimEmail(email), auth.MaxEmail)
	bad.Text("password", password, auth.MaxPassword)
}
