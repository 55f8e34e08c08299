package token

import (
	"time"

	"latchkey/models"
)

// The levels of assurance that access tokens name as acr (OpenID Connect Core §2, RFC 9470 §3): one factor, or two.
const (
	OneFactor  = "aal1"
	TwoFactors = "aal2"
)

// assurance is what an access token says about the latest proof of its device.
type assurance struct {
	amr []string // RFC 8176 §2
	acr string
}

// assurances has an entry for each method that proves something. A device of an earlier release has no method: its tokens say
// nothing.
var assurances = map[models.SignInMethod]assurance{
	models.ByPassword:               {[]string{"pwd"}, OneFactor},
	models.BySignUp:                 {[]string{"pwd"}, OneFactor},
	models.ByInvitation:             {[]string{"pwd"}, OneFactor},
	models.ByPasswordTrustedBrowser: {[]string{"pwd"}, OneFactor},
	models.ByPasswordTOTP:           {[]string{"pwd", "otp", "mfa"}, TwoFactors},
	models.ByPasswordRecoveryCode:   {[]string{"pwd", "otp", "mfa"}, TwoFactors},
	models.ByPasswordPasskey:        {[]string{"pwd", "pop", "user", "mfa"}, TwoFactors},
	models.ByPasskey:                {[]string{"pop", "user", "mfa"}, TwoFactors},
}

// assuranceOf returns what to say about a device, and when it was proved.
func assuranceOf(d models.Device) (a assurance, at time.Time) {
	if d.ProvedAt != nil {
		return assurances[d.ProvedBy], *d.ProvedAt
	}
	return assurances[d.ProvedBy], d.CreatedAt
}

// LevelOf returns the level of the latest proof on a device: OneFactor, TwoFactors, or "" if its method is not known.
func LevelOf(d models.Device) string {
	a, _ := assuranceOf(d)
	return a.acr
}
