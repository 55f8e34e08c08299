package factor

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/totp"
	"latchkey/models"
)

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
		bad.Refuse("app_code", "That isn’t the code the app shows now. Wait for the next code and enter it. If that doesn’t work either, check that the clock on your phone is right.")
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
