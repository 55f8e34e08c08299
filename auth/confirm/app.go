package confirm

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// AppLife is how long an app's confirmation is good for.
const AppLife = 5 * time.Minute

// purposeConfirmed is the purpose of the row of an app's confirmation. The word is stored.
const purposeConfirmed = "app_confirmed"

// AppRequest is a request by an app to confirm that its owner is there.
type AppRequest struct {
	Claims   *token.Claims
	Password string
	From     auth.Caller
}

// AppConfirmation is a secret for one act of the app that it was given to.
type AppConfirmation struct {
	Confirmation string `json:"confirmation"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
}

// confirmingApp is an app that confirms, with the key that its access token is bound to.
type confirmingApp struct {
	device models.Device
	jkt    string
}

// kept is what the app's challenges keep.
func (app confirmingApp) kept() challenge.Kept {
	return challenge.Kept{Confirms: app.device.ID, JKT: app.jkt}
}

func (s *Service) confirmingApp(ctx context.Context, c *token.Claims) (app confirmingApp, err error) {
	app.jkt = c.JKT()
	app.device, err = s.tokens.OwnDevice(ctx, c)
	return app, err
}

// App confirms with the password. If the account has a second factor, it returns a challenge.StepError, and the app goes on with FinishApp.
// Its other errors are KindInvalidRequest, KindWrongPassword, KindRateLimited, KindUnavailable and token.ErrDeviceGone.
func (s *Service) App(ctx context.Context, a AppRequest) (AppConfirmation, error) {
	var bad auth.Fields
	bad.Text("password", a.Password, auth.MaxPassword)
	if err := bad.Err(); err != nil {
		return AppConfirmation{}, err
	}
	app, err := s.confirmingApp(ctx, a.Claims)
	if err != nil {
		return AppConfirmation{}, err
	}
	user, err := s.store.UserByID(ctx, app.device.UserID)
	if err != nil {
		return AppConfirmation{}, err
	}
	if err := s.passwords.Confirm(ctx, user, a.Password, a.From); err != nil {
		return AppConfirmation{}, err
	}
	if user.SecondFactor {
		factors, err := s.challenges.Factors(ctx, user.ID)
		if err != nil {
			return AppConfirmation{}, err
		}
		err = s.challenges.Ask(ctx, challenge.Step{User: user, Factors: factors, Purpose: challenge.AppAct, Kept: app.kept()})
		return AppConfirmation{}, changedSince(err)
	}
	done, err := s.issueConfirmation(ctx, app, models.AppConfirmation{Method: models.ByPassword, Verified: user.PasswordHash, Version: user.FactorsVersion}, a.From)
	return done, changedSince(err)
}

// changedSince replaces models.ErrChanged, of an account that changed while its password was checked, by an error for people.
func changedSince(err error) error {
	if errors.Is(err, models.ErrChanged) {
		return &auth.Error{Kind: auth.KindWrongPassword, Message: "Your account has just changed. Please try again.", Cause: err}
	}
	return err
}

// StartApp begins a confirmation with a passkey alone. It writes no row. It returns KindNotAllowed if the account has
// no passkey or passkeys do not work here, KindUnavailable or token.ErrDeviceGone.
func (s *Service) StartApp(ctx context.Context, c *token.Claims) (challenge.PasskeyStart, error) {
	app, err := s.confirmingApp(ctx, c)
	if err != nil {
		return challenge.PasskeyStart{}, err
	}
	if !s.challenges.HasPasskeys() {
		return challenge.PasskeyStart{}, challenge.ErrNoPasskeys
	}
	factors, err := s.challenges.Factors(ctx, app.device.UserID)
	if err != nil {
		return challenge.PasskeyStart{}, err
	}
	known := challenge.Passkeys(factors)
	if len(known) == 0 {
		return challenge.PasskeyStart{}, auth.Refuse(auth.KindNotAllowed, "This account has no passkey. Confirm with the password.")
	}
	return s.challenges.Start(challenge.Ceremony{Purpose: challenge.AppAct, Kept: app.kept(), User: app.device.UserID, Passkeys: known})
}

// FinishApp ends a confirmation with its second step, or with a passkey alone. It returns KindInvalidRequest, KindInvalidCode,
// KindInvalidChallenge, KindInvalidProof, KindRateLimited, KindUnavailable or token.ErrDeviceGone.
func (s *Service) FinishApp(ctx context.Context, c *token.Claims, a challenge.Answer) (AppConfirmation, error) {
	app, err := s.confirmingApp(ctx, c)
	if err != nil {
		return AppConfirmation{}, err
	}
	a.Confirms, a.From.JKT = app.device.ID, app.jkt
	ok, err := s.challenges.Check(ctx, challenge.AppAct, a)
	if err != nil {
		return AppConfirmation{}, err
	}
	m := models.AppConfirmation{Method: ok.Method, Version: ok.User.FactorsVersion, Challenge: &ok.UsedUp, Factor: &ok.Use, Uncount: ok.Counted}
	if ok.Method != models.ByPasskey {
		m.Verified = ok.User.PasswordHash
	}
	done, err := s.issueConfirmation(ctx, app, m, a.From)
	switch {
	case errors.Is(err, models.ErrUsed), errors.Is(err, models.ErrChanged): // another answer was faster, or the account changed
		return done, challenge.Invalid(err)
	case err != nil && !errors.Is(err, models.ErrUnavailable):
		s.limits.GiveBack(ctx, ok.Counted)
	}
	return done, err
}

// issueConfirmation makes a secret for one act. It uses up the challenge and the factor in m, and records that the owner of the device
// was verified again.
func (s *Service) issueConfirmation(ctx context.Context, app confirmingApp, m models.AppConfirmation, from auth.Caller) (AppConfirmation, error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	now := s.clock.Now()
	m.Device = models.DeviceKey{UserID: app.device.UserID, ID: app.device.ID}
	m.Issued = models.Challenge{
		Hash: confirmationHash(m.Device, app.jkt, secret), UserID: m.Device.UserID, Purpose: purposeConfirmed, CreatedAt: now, ExpiresAt: now.Add(AppLife),
	}
	m.Event = auth.Limited(auth.NewEvent(models.EventConfirmed, m.Device.UserID, from, now), ratelimit.ConfirmLimit)
	m.Event.Detail, m.Event.DeviceName = string(m.Method), app.device.Name
	m.Event.DeviceID.UUID, m.Event.DeviceID.Valid = app.device.ID, true
	err := s.gate.Query(ctx, func() error { return s.store.ConfirmApp(ctx, m) })
	if errors.Is(err, models.ErrNotFound) {
		return AppConfirmation{}, token.ErrDeviceGone
	}
	if err != nil {
		return AppConfirmation{}, err
	}
	s.notify.Wake()
	return AppConfirmation{base64.RawURLEncoding.EncodeToString(secret[:]), int64(AppLife / time.Second)}, nil
}

// confirmationHash binds the secret of a confirmation to a device and its key. From another device or key, the secret is unknown.
func confirmationHash(device models.DeviceKey, jkt string, secret [32]byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte("app confirmation\x00"), device.UserID[:], device.ID[:], secret[:], []byte(jkt)} {
		h.Write(part)
	}
	return h.Sum(nil)
}

// AppUse returns the use of an app's confirmation. The transaction of the act must make that use; if it fails with models.ErrUsed, the
// caller returns NotConfirmed. AppUse itself returns ErrNotConfirmed for a malformed confirmation.
func AppUse(device models.DeviceKey, jkt, confirmation string) (models.ChallengeUse, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(confirmation)
	if err != nil || len(raw) != 32 || len(confirmation) != base64.RawURLEncoding.EncodedLen(32) {
		return models.ChallengeUse{}, ErrNotConfirmed // the cause would repeat the client's text
	}
	return models.ChallengeUse{Hash: confirmationHash(device, jkt, [32]byte(raw)), Purpose: purposeConfirmed, App: device.ID}, nil
}

// NotConfirmed says why an act by an app failed with models.ErrUsed or models.ErrChanged: token.ErrDeviceGone if the app was signed out while
// it acted, otherwise ErrNotConfirmed.
func NotConfirmed(cause error) error {
	if errors.Is(cause, models.ErrAppGone) {
		return token.ErrDeviceGone
	}
	return &auth.Error{Kind: ErrNotConfirmed.Kind, Message: ErrNotConfirmed.Message, Cause: cause}
}

// ErrNotConfirmed refuses a confirmation.
var ErrNotConfirmed = &auth.Error{Kind: auth.KindInvalidConfirmation, Message: "This confirmation was used, is too old, or was given to another device. Confirm again."}
