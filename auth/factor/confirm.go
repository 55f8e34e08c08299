package factor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/signin"
	"latchkey/models"
)

// freshFor is how long a sign-in counts as the confirmation of the set-up that it leads into.
const freshFor = 15 * time.Minute

// Act is what every change of a factor comes with.
type Act struct {
	Confirmation  signin.Confirmation
	SignOutOthers bool   // also sign out all devices but this browser
	EnrolCode     string // that the support staff get by mail, or from the operator, for their first factor
}

// confirmed is how an act was confirmed.
type confirmed struct {
	since    time.Time // of the factor that confirmed it; zero: it was the password alone
	verified string    // the password hash that was checked; empty: none was
}

// NeedsConfirmation reports whether a change of the person's factors must be confirmed. The set-up that a sign-in leads into is
// confirmed by that sign-in.
func (s *Service) NeedsConfirmation(by *signin.Session) bool {
	age := s.clock.Now().Sub(by.Device.CreatedAt)
	return !s.signIn.MustSetUp(by.User) || age < 0 || age > freshFor
}

// confirm checks that it is the account's owner who acts.
func (s *Service) confirm(ctx context.Context, by *signin.Session, c signin.Confirmation) (confirmed, error) {
	if !s.NeedsConfirmation(by) {
		return confirmed{verified: by.User.PasswordHash}, nil
	}
	done, err := s.signIn.Confirm(ctx, by, c)
	if err != nil {
		return confirmed{}, err
	}
	how := confirmed{since: done.Factor.Since}
	if done.Method != models.ByPasskey {
		how.verified = by.User.PasswordHash
	}
	return how, nil
}

// checkAct checks the form of an act that adds a factor.
func (s *Service) checkAct(bad *auth.Fields, by *signin.Session, a Act) {
	if s.NeedsCode(by) && strings.TrimSpace(a.EnrolCode) == "" {
		bad.Refuse("enrol_code", "This is required.")
	}
	if s.NeedsConfirmation(by) {
		a.Confirmation.Check(bad, by.User, signin.ConfirmFields{Password: "current_password", Code: "code"})
	}
}

// keep returns the device that stays when an act signs out all others, or nil if it signs out none.
func (a Act) keep(by *signin.Session) *uuid.UUID {
	if !a.SignOutOthers {
		return nil
	}
	return &by.Device.ID
}

// changed turns the store's refusals into errors for people.
func changed(err error) error {
	switch {
	case errors.Is(err, models.ErrChanged):
		return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "Your account has changed since you opened this page. Nothing was changed now. Please try again.", Cause: err}
	case errors.Is(err, models.ErrUsed):
		return auth.InvalidField("enrol_code", "This code was used already.")
	case errors.Is(err, models.ErrDuplicate):
		return &auth.Error{Kind: auth.KindInvalidRequest, Message: "Your account has this one already.", Cause: err}
	}
	return err
}
