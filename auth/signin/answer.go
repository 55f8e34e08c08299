package signin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/passkey"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// StepAnswer takes the second step of a sign-in, or signs in with a passkey alone.
type StepAnswer struct {
	Challenge  string // of a SecondStep, or of a PasskeyStart
	Method     StepMethod
	Code       string
	Credential []byte      // of a passkey: AuthenticationResponseJSON (WebAuthn Level 3 §5.1)
	Trust      bool        // skip the second step in this browser for TrustLife
	Proof      token.Proof // of an app that signs in: by the key of the first request
	From       auth.Caller
	Replaces   *Session // the browser's live session, which the new one ends; nil: none

	confirms uuid.UUID // of a confirmation: the app's device
}

// answered is a right answer, ready to be used up together with the sign-in.
type answered struct {
	user    models.User
	known   ratelimit.Known
	allowed bool // the app may sign in
	step    pendingStep
	method  models.SignInMethod
	factor  models.Factor
	use     models.FactorUse
	usedUp  models.ChallengeUse
	codes   []models.Counter // wrong codes counted in advance
}

// FinishBrowser signs a browser in after its second step, or with a passkey alone. It returns KindInvalidRequest, KindInvalidCode,
// KindInvalidChallenge, KindRateLimited, KindAccountDisabled or KindUnavailable.
func (s *Service) FinishBrowser(ctx context.Context, a StepAnswer) (BrowserKey, error) {
	key, err := s.finishBrowser(ctx, a)
	if err == nil {
		return key, nil
	}
	if before, again := s.finishedBefore(ctx, a); again {
		return before, nil
	}
	return BrowserKey{}, err
}

func (s *Service) finishBrowser(ctx context.Context, a StepAnswer) (BrowserKey, error) {
	ok, err := s.checkAnswer(ctx, purposeBrowser, a)
	if err != nil {
		return BrowserKey{}, err
	}
	n, keys := s.NewBrowser(token.Verified{User: ok.user, Rehashed: ok.step.Rehashed}, BrowserLogin{From: a.From, Replaces: a.Replaces})
	var trust string
	if a.Trust && s.canTrust(ok.user) && ok.use.Kind != models.FactorRecoveryCode && ok.method != models.ByPasskey {
		n.Trust, trust = newTrust(ok.user.ID, a.From, n.Device.CreatedAt)
	}
	d, err := s.addAnswered(ctx, n, ok, a)
	if err != nil {
		return BrowserKey{}, err
	}
	key := KeyOf(d, keys)
	key.ChoosePassword, key.SetUp, key.Trust = ok.user.MustChoosePassword(), s.MustSetUp(ok.user), trust
	return key, nil
}

// finishedBefore returns the sign-in that the same form, sent twice, made a moment ago.
func (s *Service) finishedBefore(ctx context.Context, a StepAnswer) (key BrowserKey, ok bool) {
	hash, _, err := s.challengeOf(a.Challenge)
	if err != nil || a.From.Browser == "" {
		return key, false
	}
	now := s.clock.Now()
	c, err := s.store.FindChallenge(ctx, purposeBrowser, hash, now)
	if err != nil || c.UsedAt == nil || !c.DeviceID.Valid || string(c.Answer) != string(answerHash(a)) {
		return key, false
	}
	d, err := s.store.LiveDevice(ctx, c.UserID, c.DeviceID.UUID, s.idle.Live(now))
	if err != nil {
		return key, false
	}
	key = KeyOf(d, s.browserKeys(c.UserID, c.DeviceID.UUID, a.From.Browser, now))
	if hash := devicetoken.SecretHash(key.Secret); !bytes.Equal(hash, d.SecretHash) && !key.Renewed {
		return BrowserKey{}, false // it came from another browser
	}
	user, err := s.store.UserByID(ctx, c.UserID)
	if err != nil || user.DisabledAt != nil {
		return BrowserKey{}, false
	}
	key.ChoosePassword, key.SetUp, key.Language = user.MustChoosePassword(), s.MustSetUp(user), user.Language
	return key, true
}

// FinishApp signs an app in after its second step, or with a passkey alone. Its errors are those of Login and FinishBrowser.
func (s *Service) FinishApp(ctx context.Context, a StepAnswer) (token.Answer, error) {
	jkt, proof, err := s.tokens.CheckProof(a.Proof, "", dpop.Request{})
	if err != nil {
		return token.Answer{}, err
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return token.Answer{}, err // before anything is written: the tokens could not be signed
	}
	a.From.JKT = jkt
	ok, err := s.checkAnswer(ctx, purposeApp, a)
	if err != nil {
		return token.Answer{}, err
	}
	p := ok.step
	switch {
	case !ok.allowed: // removed since the first request
		err = unregistered(true)
	case ok.user.MustChoosePassword():
		err = errChoosePassword
	default:
		err = proof.ConsumeAs(ok.user.ID.String())
	}
	if err != nil {
		s.limits.GiveBack(ctx, ok.codes)
		return token.Answer{}, err
	}
	n, secret := s.tokens.NewDevice(token.Verified{User: ok.user, Rehashed: p.Rehashed}, models.KindApp, a.From, s.config.DeviceLifetime)
	n.Device.ClientID, n.Device.MaxRefreshes, n.Device.JKT = p.ClientID, s.config.MaxRefreshes, jkt
	n.FreeName, n.StatusIndex = token.FreeName(p.Device), s.tokens.PickStatusIndex
	d, err := s.addAnswered(ctx, n, ok, a)
	if err != nil {
		return token.Answer{}, err
	}
	return s.tokens.Issue(ctx, d, secret, jkt)
}

// addAnswered signs the device in and uses the answer up, in one transaction.
func (s *Service) addAnswered(ctx context.Context, n models.NewDevice, ok answered, a StepAnswer) (models.Device, error) {
	if ok.method == models.ByPasskey {
		n.Verified, n.Rehashed = "", "" // no password was checked
		n.Spend = s.limits.PasskeyBudget(ok.user.ID)
	}
	n.Device.SignedInBy, n.Device.ProvedBy = ok.method, ok.method
	n.Factor, n.Challenge, n.Uncount = &ok.use, &ok.usedUp, ok.codes
	if ok.use.Kind == models.FactorRecoveryCode {
		n.Factor.Event, n.UsedMail = s.recoveryCodeUsed(ok.user, a.From)
	}
	d, err := s.tokens.AddDevice(ctx, n)
	if err != nil && !errors.Is(err, models.ErrUnavailable) {
		s.limits.GiveBack(ctx, ok.codes) // the code was right
	}
	if errors.Is(err, models.ErrUsed) || errors.Is(err, models.ErrChanged) { // another answer was faster, or the account changed
		err = invalidChallenge(err)
	}
	return d, err
}

// checkAnswer checks everything about an answer. What it finds right is used up only by the sign-in.
func (s *Service) checkAnswer(ctx context.Context, purpose string, a StepAnswer) (ok answered, err error) {
	hash, sealed, err := s.challengeOf(a.Challenge)
	if err != nil {
		return ok, err
	}
	if sealed {
		return s.checkPasskeyStart(ctx, purpose, hash, a)
	}
	if err := checkStepFields(a); err != nil {
		return ok, err
	}
	leave, err := s.gate.Admit(a.From)
	if err != nil {
		return ok, err
	}
	defer leave()
	now := s.clock.Now()
	var c models.Challenge
	err = s.gate.Query(ctx, func() error {
		c, err = s.store.TryChallenge(ctx, purpose, hash, now, MaxStepTries)
		return err
	})
	if errors.Is(err, models.ErrNotFound) {
		return ok, invalidChallenge(err)
	}
	if err != nil {
		return ok, err
	}
	if ok.user, ok.step, err = s.openStep(ctx, c); err != nil {
		return ok, err
	}
	if err := ok.step.belongsTo(a); err != nil {
		return ok, err
	}
	ok.usedUp = models.ChallengeUse{Hash: hash, Purpose: purpose, Answer: answerHash(a), ExpiresAt: c.ExpiresAt}
	if ok.known, ok.allowed, err = s.knownBy(ctx, ok.user, ok.step.ClientID, a.From); err != nil {
		return ok, err
	}
	factors, err := s.factorsOf(ctx, ok.user.ID)
	if err != nil {
		return ok, err
	}
	switch a.Method {
	case StepPasskey:
		ok.method = models.ByPasswordPasskey
		ok.factor, ok.use, err = s.checkPasskey(ctx, purpose, ok.user, factors, ok.step.Passkey, a.Credential)
	case StepTOTP:
		ok.method = models.ByPasswordTOTP
		ok.factor, ok.use, ok.codes, err = s.checkTOTP(ctx, ok.user, factors, a.Code, ok.known, a.From)
	case StepRecovery:
		ok.method = models.ByPasswordRecoveryCode
		ok.factor, ok.use, err = checkRecoveryCode(factors, a.Code, now)
	}
	if err != nil {
		return ok, s.wrongAnswer(ctx, ok.user, c, a, err)
	}
	return ok, nil
}

// belongsTo checks that an answer comes from where the challenge was given: from the app's device, with the same key. It is checked
// before the answer is, so that a stolen challenge tells nothing about codes.
func (p pendingStep) belongsTo(a StepAnswer) error {
	switch {
	case p.Confirms != a.confirms:
		return errInvalidChallenge
	case p.JKT != a.From.JKT:
		return auth.Refuse(auth.KindInvalidProof, "The key must be the one that the first request proved.")
	}
	return nil
}

// checkStepFields checks the form of an answer.
func checkStepFields(a StepAnswer) error {
	var bad auth.Fields
	if !slices.Contains([]StepMethod{StepPasskey, StepTOTP, StepRecovery}, a.Method) {
		bad.Refuse("method", "One of passkey, totp and recovery_code.")
	}
	switch {
	case a.Method == StepPasskey && len(a.Credential) == 0:
		bad.Refuse("credential", "This is required.")
	case a.Method == StepPasskey && len(a.Credential) > passkey.MaxBody:
		bad.Refuse("credential", fmt.Sprintf("At most %d bytes.", passkey.MaxBody))
	}
	if a.Method != StepPasskey {
		bad.Text("code", strings.TrimSpace(a.Code), maxCode)
	}
	return bad.Err()
}

// maxCode is how many characters a code may have, with spaces and hyphens.
const maxCode = 64

// answerHash tells one answer from another.
func answerHash(a StepAnswer) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(a.Method), []byte(strings.TrimSpace(a.Code)), a.Credential} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return h.Sum(nil)
}

// wrongAnswer returns the refusal of a wrong answer with the number of tries that are left. After the last one it tells the owner:
// whoever gives wrong codes has the password.
func (s *Service) wrongAnswer(ctx context.Context, user models.User, c models.Challenge, a StepAnswer, err error) error {
	own := auth.AsError(err)
	if own.Kind != auth.KindInvalidCode {
		return err
	}
	own.Counted, own.AttemptsLeft = true, max(0, MaxStepTries-c.Attempts)
	if own.AttemptsLeft == 0 {
		if err := s.stepMissed(ctx, user, a.From); err != nil {
			return err
		}
	}
	return own
}
