package factor

import (
	"context"
	"slices"
	"time"

	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/models"
)

// Overview is what an account signs in with beside its password.
type Overview struct {
	Passkeys    []models.Factor // oldest first
	App         *models.Factor  // the authenticator app; nil without one
	Closed      bool            // too many wrong codes in a row: browsers that the account does not know cannot use the app
	CodesLeft   int             // recovery codes that were not used
	CodesMadeAt time.Time       // zero: there are none
	Trusted     []models.TrustedBrowser
}

// Last reports whether the account has one passkey or authenticator app only.
func (o Overview) Last() bool {
	n := len(o.Passkeys)
	if o.App != nil {
		n++
	}
	return n == 1
}

// Overview reads the factors of the signed-in person.
func (s *Service) Overview(ctx context.Context, by *browser.Session) (o Overview, err error) {
	list, err := s.store.Factors(ctx, by.User.ID)
	if err != nil {
		return o, err
	}
	for _, f := range list {
		switch f.Kind {
		case models.FactorPasskey:
			o.Passkeys = append(o.Passkeys, f)
		case models.FactorTOTP:
			o.App, o.Closed = &f, f.Wrong >= challenge.MaxWrongInRow
		case models.FactorRecoveryCode:
			o.CodesMadeAt = f.CreatedAt
			if f.UsedAt == nil {
				o.CodesLeft++
			}
		}
	}
	o.Trusted, err = s.store.TrustedBrowsers(ctx, by.User.ID, s.clock.Now())
	return o, err
}

// Passkey returns the passkey with an id, if the account has it.
func (o Overview) Passkey(id string) (models.Factor, bool) {
	at := slices.IndexFunc(o.Passkeys, func(f models.Factor) bool { return f.ID.String() == id })
	if at < 0 {
		return models.Factor{}, false
	}
	return o.Passkeys[at], true
}
