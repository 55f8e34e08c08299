package factor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/models"
)

// ticketLife is how long a sign-in counts as the confirmation of the set-up that it leads into, and a first factor as that of the recovery
// codes that follow.
const ticketLife = 15 * time.Minute

// What tickets are bound to: that of a sign-in adds a first factor only. The thief with the password has one, too, and when the owner was
// faster it must not make recovery codes for the owner's factor.
var setUpTicketRow, codesTicketRow = []byte("set-up ticket\x00"), []byte("codes ticket\x00")

// SetUpTicket returns the proof that a browser has just signed in. It goes into the address of the page that follows and into the page's
// form, and not into a cookie: a copied cookie must not add a factor, not even in these minutes.
func (s *Service) SetUpTicket(user, device uuid.UUID) (string, error) {
	return s.sealFor(setUpTicketRow, user, device[:], ticketLife)
}

// CodesTicket returns the proof that a browser has just added a first factor. See SetUpTicket.
func (s *Service) CodesTicket(user, device uuid.UUID) (string, error) {
	return s.sealFor(codesTicketRow, user, device[:], ticketLife)
}

func (s *Service) goodTicket(row []byte, by *browser.Session, ticket string) bool {
	if ticket == "" {
		return false
	}
	device, err := s.unseal(row, by.User.ID, ticket)
	return err == nil && bytes.Equal(device, by.Device.ID[:])
}

// Act is what every change of a factor comes with.
type Act struct {
	Confirmation  confirm.Confirmation
	SignOutOthers bool   // also sign out all devices but this browser
	EnrolCode     string // that the support staff get by mail, or from the operator, for their first factor
}

// confirmed is how an act was confirmed.
type confirmed struct {
	since    time.Time // of the factor that confirmed it; zero: it was the password alone
	verified string    // the password hash that was checked; empty: none was
}

// NeedsConfirmation reports whether the first factor of the person must be confirmed. The set-up that a sign-in leads into is confirmed
// by the ticket of that sign-in.
func (s *Service) NeedsConfirmation(by *browser.Session, ticket string) bool {
	return !s.policy.MustSetUp(by.User) || !s.goodTicket(setUpTicketRow, by, ticket)
}

// confirmAct checks that it is the account's owner who acts.
func (s *Service) confirmAct(ctx context.Context, by *browser.Session, c confirm.Confirmation) (confirmed, error) {
	if !s.NeedsConfirmation(by, c.Ticket) {
		return confirmed{verified: by.User.PasswordHash}, nil
	}
	done, err := s.confirm.Confirm(ctx, by, c)
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
func (s *Service) checkAct(bad *auth.Fields, by *browser.Session, a Act) {
	if s.NeedsCode(by) && strings.TrimSpace(a.EnrolCode) == "" {
		bad.Refuse("enrol_code", "This is required.")
	}
	if s.NeedsConfirmation(by, a.Confirmation.Ticket) {
		a.Confirmation.CheckForm(bad, by.User)
	}
}

// keep returns the device that stays when an act signs out all others, or nil if it signs out none.
func (a Act) keep(by *browser.Session) *uuid.UUID {
	if !a.SignOutOthers {
		return nil
	}
	return &by.Device.ID
}

// changed turns the store's refusals into errors for people.
func changed(err error) error {
	switch {
	case errors.Is(err, models.ErrChanged):
		return &auth.Error{Kind: auth.KindInvalidChallenge, Message: "Your account has changed since you opened this page, so nothing was changed now. Please try again.", Cause: err}
	case errors.Is(err, models.ErrUsed):
		return auth.InvalidField("enrol_code", "This code was already used. Get a new one.")
	case errors.Is(err, models.ErrDuplicate):
		return &auth.Error{Kind: auth.KindInvalidRequest, Message: "Your account already has this one.", Cause: err}
	}
	return err
}
