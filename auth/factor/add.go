package factor

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/passkey"
	"latchkey/auth/recovery"
	"latchkey/auth/totp"
	"latchkey/models"
)

// setUp is what a set-up page holds, sealed, until its form comes back. Its field names may change.
type setUp struct {
	User  uuid.UUID
	Data  []byte // the session of a ceremony, or the secret of an authenticator app
	Until time.Time
}

// The rows that sealed set-ups are bound to.
var passkeyRow, appRow = []byte("passkey set-up\x00"), []byte("totp set-up\x00")

func (s *Service) seal(row []byte, user uuid.UUID, data []byte) (string, error) {
	return s.sealFor(row, user, data, SetUpLife)
}

func (s *Service) sealFor(row []byte, user uuid.UUID, data []byte, life time.Duration) (string, error) {
	text, err := json.Marshal(setUp{User: user, Data: data, Until: s.clock.Now().Add(life)})
	if err != nil {
		return "", fmt.Errorf("seal a set-up: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(row, text)), nil
}

// unseal returns what a set-up page of this account was sealed with, or KindInvalidChallenge.
func (s *Service) unseal(row []byte, user uuid.UUID, sealed string) ([]byte, error) {
	var p setUp
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil {
		var text []byte
		if text, _, err = s.sealer.Open(row, raw); err == nil {
			err = json.Unmarshal(text, &p)
		}
	}
	if err != nil || p.User != user || !s.clock.Now().Before(p.Until) {
		return nil, auth.Refuse(auth.KindInvalidChallenge, "This page was open for too long. Nothing was changed. Please try again.")
	}
	return p.Data, nil
}

// Added is what was done.
type Added struct {
	Name    string
	First   bool  // it is the account's first second factor
	Last    bool  // it was the account's last second factor, and is gone
	Revoked int64 // devices that were signed out
}

// StartPasskey begins the making of a passkey. It returns KindNotAllowed if the account has MaxPasskeys.
func (s *Service) StartPasskey(ctx context.Context, by *browser.Session) (start challenge.PasskeyStart, err error) {
	if !s.HasPasskeys() {
		return start, challenge.ErrNoPasskeys
	}
	o, err := s.Overview(ctx, by)
	if err != nil {
		return start, err
	}
	if len(o.Passkeys) >= MaxPasskeys {
		return start, auth.Refuse(auth.KindNotAllowed, fmt.Sprintf("An account can have %d passkeys. Remove one first.", MaxPasskeys))
	}
	options, session, err := s.passkeys.Creation(owner(by), challenge.Passkeys(o.Passkeys), s.clock.Now())
	if err != nil {
		return start, err
	}
	start.PublicKey, start.ExpiresIn = options, int64(SetUpLife/time.Second)
	start.Challenge, err = s.seal(passkeyRow, by.User.ID, session)
	return start, err
}

func owner(by *browser.Session) passkey.User {
	return passkey.User{ID: by.User.ID, Name: by.User.Email, DisplayName: by.User.Email}
}

// NewPasskey is a passkey that a browser has made.
type NewPasskey struct {
	Act
	Name       string // empty: one that says where it is kept
	Credential []byte // RegistrationResponseJSON (WebAuthn Level 3 §5.1)
	Challenge  string // of StartPasskey
	From       auth.Caller
}

// AddPasskey adds a passkey. It returns KindInvalidRequest (of name and new_passkey), KindInvalidChallenge, KindNotAllowed, and the
// errors of confirm.Service.Confirm.
func (s *Service) AddPasskey(ctx context.Context, by *browser.Session, n NewPasskey) (Added, error) {
	var bad auth.Fields
	n.Name = strings.TrimSpace(n.Name)
	if n.Name != "" {
		bad.Text("name", n.Name, MaxName)
	}
	if len(n.Credential) == 0 {
		bad.Refuse("new_passkey", "No passkey was created. Try again, or use another browser.")
	}
	s.checkAct(&bad, by, n.Act)
	if err := bad.Err(); err != nil {
		return Added{}, err
	}
	if !s.HasPasskeys() {
		return Added{}, challenge.ErrNoPasskeys
	}
	session, err := s.unseal(passkeyRow, by.User.ID, n.Challenge)
	if err != nil {
		return Added{}, err
	}
	o, err := s.Overview(ctx, by)
	if err != nil {
		return Added{}, err
	}
	if len(o.Passkeys) >= MaxPasskeys {
		return Added{}, auth.Refuse(auth.KindNotAllowed, fmt.Sprintf("An account can have %d passkeys. Remove one first.", MaxPasskeys))
	}
	made, err := s.passkeys.FinishCreation(owner(by), session, n.Credential, s.clock.Now())
	if err != nil {
		return Added{}, &auth.Error{Kind: auth.KindInvalidRequest, Message: "The passkey could not be added.", Cause: err,
			Fields: []auth.FieldProblem{{Field: "new_passkey", Detail: "This passkey cannot be used here. Try again, or use another device."}}}
	}
	data, err := made.Record()
	if err != nil {
		return Added{}, err
	}
	f := models.Factor{
		Kind: models.FactorPasskey, Name: n.Name, Credential: made.ID, Data: data, SignCount: made.SignCount, Synced: passkey.Synced(made), BackedUp: made.BackedUp,
	}
	if f.Name == "" {
		f.Name = o.freeName(made.DefaultName())
	}
	return s.add(ctx, by, n.Act, f, n.From)
}

// freeName adds a number to a name that another passkey of the account has.
func (o Overview) freeName(name string) string {
	for n := 2; ; n++ {
		taken := false
		for _, f := range o.Passkeys {
			taken = taken || f.Name == name
		}
		if !taken {
			return name
		}
		base, _, _ := strings.Cut(name, " (")
		name = fmt.Sprintf("%s (%d)", base, n)
	}
}

// App is a new secret for an authenticator app.
type App struct {
	QR     string // data URL of an image
	Secret string // as people type it
	URL    string // otpauth://
	Sealed string // what the form sends back
}

// StartApp makes a secret for an authenticator app. Nothing is stored before AddApp.
func (s *Service) StartApp(by *browser.Session) (a App, err error) {
	secret := totp.NewSecret()
	if a.Sealed, err = s.seal(appRow, by.User.ID, secret); err != nil {
		return a, err
	}
	return s.app(by, secret, a.Sealed)
}

// AppAgain shows the secret of a form that was refused once more, so that the person need not scan another one.
func (s *Service) AppAgain(by *browser.Session, sealed string) (App, error) {
	secret, err := s.unseal(appRow, by.User.ID, sealed)
	if err != nil {
		return s.StartApp(by)
	}
	return s.app(by, secret, sealed)
}

func (s *Service) app(by *browser.Session, secret []byte, sealed string) (a App, err error) {
	a = App{Secret: totp.Text(secret), URL: totp.URL(secret, s.name, by.User.Email), Sealed: sealed}
	a.QR, err = totp.QR(a.URL)
	return a, err
}

// NewApp is an authenticator app that shows its first code.
type NewApp struct {
	Act
	Sealed string // of App
	Code   string // of the new app
	From   auth.Caller
}

// AddApp turns an authenticator app on. Its first code counts as used. It returns KindInvalidRequest (of app_code), KindInvalidChallenge,
// and the errors of confirm.Service.Confirm.
func (s *Service) AddApp(ctx context.Context, by *browser.Session, n NewApp) (Added, error) {
	var bad auth.Fields
	secret, err := s.unseal(appRow, by.User.ID, n.Sealed)
	if err != nil {
		return Added{}, err
	}
	now := s.clock.Now()
	step, ok := totp.Check(secret, n.Code, now, 0)
	if !ok {
		bad.Refuse("app_code", "That is not the code that the app shows now. Wait for the next code and enter it. If that fails too, check the clock of your phone.")
	}
	s.checkAct(&bad, by, n.Act)
	if err := bad.Err(); err != nil {
		return Added{}, err
	}
	f := models.Factor{
		Kind: models.FactorTOTP, Name: "Authenticator app", Data: totp.Seal(s.sealer, by.User.ID, secret), LastStep: step,
	}
	return s.add(ctx, by, n.Act, f, n.From)
}

// add confirms the act and adds the factor, with its event and its mail.
func (s *Service) add(ctx context.Context, by *browser.Session, act Act, f models.Factor, from auth.Caller) (Added, error) {
	how, err := s.confirmAct(ctx, by, act.Confirmation)
	if err != nil {
		return Added{}, err
	}
	code, err := s.checkCode(ctx, by, act.EnrolCode)
	if err != nil {
		return Added{}, err
	}
	now := s.clock.Now()
	f.ID, f.CreatedAt = models.NewID(now), now
	f.Since = later(now, by.Device.CreatedAt) // "This wasn't me" about the sign-in must remove it, whatever this replica's clock says
	e := auth.Limited(auth.NewEvent(models.EventFactorAdded, by.User.ID, from, now), AddLimit)
	e.Detail, e.DeviceName = string(f.Kind), f.Name
	l := notify.NewNotification(notify.KindFactorAdded, from, now)
	l.DeviceName, l.Factor = f.Name, string(f.Kind)
	revoked, err := s.store.AddFactors(ctx, models.FactorAddition{
		UserID: by.User.ID, Version: by.User.FactorsVersion, Verified: how.verified, Add: []models.Factor{f}, Code: code, At: now, Event: e,
		Mail: s.notify.ComposeNotMe(by.User.ID, l, models.FactorSubject(f.ID)), KeepDevice: act.keep(by),
	})
	if err != nil {
		return Added{}, changed(err)
	}
	s.notify.Wake()
	return Added{Name: f.Name, First: !by.User.SecondFactor, Revoked: revoked}, nil
}

// NewCodes makes ten recovery codes in place of the earlier ones. They are returned this once, and stored as hashes. They count as
// old as the factor that confirmed the act. It returns KindNotAllowed if the account has no other factor, and the errors of
// confirm.Service.Confirm.
func (s *Service) NewCodes(ctx context.Context, by *browser.Session, c confirm.Confirmation, from auth.Caller) (codes []string, err error) {
	o, err := s.Overview(ctx, by)
	if err != nil {
		return nil, err
	}
	if len(o.Passkeys) == 0 && o.App == nil {
		return nil, auth.Refuse(auth.KindNotAllowed, "Recovery codes stand in for a passkey or an authenticator app. Add one of these first.")
	}
	how := confirmed{since: youngest(o), verified: ""}
	if s.CodesNeedConfirmation(by, o, c.Ticket) {
		var bad auth.Fields
		c.CheckForm(&bad, by.User)
		if err := bad.Err(); err != nil {
			return nil, err
		}
		done, err := s.confirm.Confirm(ctx, by, c)
		if err != nil {
			return nil, err
		}
		how.since = done.Factor.Since
	}
	now := s.clock.Now()
	var add []models.Factor
	for _, code := range recovery.New() {
		add = append(add, models.Factor{
			ID: uuid.New(), Kind: models.FactorRecoveryCode, Credential: recovery.Hash(mustNormalise(code)), CreatedAt: now, Since: how.since,
		})
		codes = append(codes, code)
	}
	e := auth.Limited(auth.NewEvent(models.EventRecoveryCodesMade, by.User.ID, from, now), AddLimit)
	_, err = s.store.AddFactors(ctx, models.FactorAddition{
		UserID: by.User.ID, Version: by.User.FactorsVersion, Add: add, Replace: models.FactorRecoveryCode, At: now, Event: e,
		Mail: s.notify.ComposeNotMe(by.User.ID, notify.NewNotification(notify.KindCodesMade, from, now), models.EveryDeviceAndCodes+rand.Text()),
	})
	if err != nil {
		return nil, changed(err)
	}
	s.notify.Wake()
	return codes, nil
}

// CodesNeedConfirmation reports whether new recovery codes must be confirmed. The first ones, right after the first factor, are confirmed
// by the ticket that it left.
func (s *Service) CodesNeedConfirmation(by *browser.Session, o Overview, ticket string) bool {
	return o.CodesLeft > 0 || !o.Last() || !s.goodTicket(codesTicketRow, by, ticket)
}

func youngest(o Overview) (at time.Time) {
	for _, f := range o.Passkeys {
		at = later(at, f.Since)
	}
	if o.App != nil {
		at = later(at, o.App.Since)
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func mustNormalise(code string) string {
	normal, _ := recovery.Normalise(code) // of our own making: always good
	return normal
}
