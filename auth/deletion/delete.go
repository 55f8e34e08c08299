package deletion

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/models"
)

// Request is a person's request to delete their account.
type Request struct {
	Email        string // of the account, typed once more, so that a person deletes only the account that they mean
	Confirmation confirm.Confirmation
}

// Delete deletes the account of a person who gives its address and confirms it, with its devices and everything else except anonymous
// events, and mails a farewell. It cannot be undone. Delete returns KindNotAllowed for support staff, KindInvalidRequest (of email,
// also while a former address can be taken back, current_password and code), the errors of confirm.Service.Act, or KindSignedOut if the
// account is already gone.
func (s *Service) Delete(ctx context.Context, by *browser.Session, d Request) error {
	if by.Support() {
		return errStaffStays
	}
	d.Email = auth.TrimEmail(d.Email)
	var bad auth.Fields
	if bad.Text("email", d.Email, auth.MaxEmail); len(bad) == 0 && auth.SameEmail(d.Email) != auth.SameEmail(by.User.Email) {
		bad.Refuse("email", "This isn’t the e-mail address of the account you’re signed in to.")
	}
	d.Confirmation.CheckForm(&bad, by.User)
	if err := bad.Err(); err != nil {
		return err
	}
	var had []string
	err := s.confirm.Act(ctx, by, d.Confirmation, func(p models.Proof) (err error) {
		had, err = s.delete(ctx, by.User, p, d.Confirmation.From, "")
		switch {
		case errors.Is(err, models.ErrChanged):
			return s.whyNotDeleted(ctx, by, err)
		case errors.Is(err, models.ErrWayBack):
			return auth.InvalidField("email", sayWayBack)
		}
		return err
	})
	if err == nil {
		s.finishSoon(ctx, by.User.ID, had)
	}
	return err
}

const sayWayBack = "The e-mail address of this account was changed in the last 7 days. You can’t delete the account while that change can still be undone."

// delete deletes the account, and returns the keys of the addresses that it had. device is the app that asked, or "".
func (s *Service) delete(ctx context.Context, user models.User, p models.Proof, from auth.Caller, device string) (had []string, err error) {
	now := s.clock.Now()
	l := s.farewell(user, from, now)
	l.DeviceName = device
	err = s.store.DeleteUser(ctx, models.Deletion{
		UserID: user.ID, Proof: p, Now: s.clock.Now, Event: auth.NewEvent(models.EventAccountDeleted, user.ID, from, now),
		Farewell: s.notify.Compose(uuid.Nil, l),
		Seal: func(emailKeys []string) []byte {
			had = emailKeys
			return s.Seal(user.ID, emailKeys)
		},
	})
	return had, err
}

// DeleteByOperator deletes an account whose owner did not ask for it here, and mails a farewell that says so. It returns KindNotFound if the account is
// already gone, and KindNotAllowed for support staff.
func (s *Service) DeleteByOperator(ctx context.Context, u models.User, e models.Event) error {
	l := s.farewell(u, auth.Caller{}, e.At)
	l.ByOperator = true
	var had []string
	err := s.store.DeleteUser(ctx, models.Deletion{
		UserID: u.ID, ByOperator: true, Now: s.clock.Now, Event: e, Farewell: s.notify.Compose(uuid.Nil, l),
		Seal: func(emailKeys []string) []byte {
			had = emailKeys
			return s.Seal(u.ID, emailKeys)
		},
	})
	switch {
	case err == nil:
		s.finishSoon(ctx, u.ID, had)
	case errors.Is(err, models.ErrChanged):
		if _, err := s.store.UserByID(ctx, u.ID); err == nil {
			return &auth.Error{Kind: auth.KindNotAllowed, Message: "Support accounts can’t be deleted: remove the support role first."}
		}
		return &auth.Error{Kind: auth.KindNotFound, Message: "There is no such account.", Cause: err}
	}
	return err
}

// PossibleFrom returns the moment from which the account can be deleted: while a former address can take it back, it cannot. It is zero
// if nothing of that kind is in the way. Support staff are refused at any time.
func (s *Service) PossibleFrom(ctx context.Context, by *browser.Session) (from time.Time, err error) {
	ways, err := s.store.WaysBack(ctx, by.User, s.clock.Now())
	for _, way := range ways {
		if way.Until.After(from) {
			from = way.Until
		}
	}
	return from, err
}

// farewell is what the address of a deleted account is told, in the account's language.
func (s *Service) farewell(u models.User, from auth.Caller, now time.Time) notify.Notification {
	l := notify.NewNotification(notify.KindDeleted, from, now)
	l.Language, l.FormerLanguage = u.Language, u.Languages().Former(now.Add(-notify.FormerLanguageLife))
	return l
}

// Deleted reports whether the account that a browser was signed in to is gone.
func (s *Service) Deleted(ctx context.Context, key browser.Key) bool {
	_, err := s.store.UserByID(ctx, key.UserID)
	return errors.Is(err, models.ErrNotFound)
}

// errStaffStays refuses members of the support staff. Other people and the operator may need to know what a member has looked at,
// so the operator must take the role away first.
var errStaffStays = &auth.Error{Kind: auth.KindNotAllowed, Message: "Support accounts can’t be deleted here. Ask your administrator to remove the support role first."}

// whyNotDeleted returns an error that says what has changed since the confirmation was checked.
func (s *Service) whyNotDeleted(ctx context.Context, by *browser.Session, cause error) error {
	u, err := s.store.UserByID(ctx, by.User.ID)
	switch {
	case errors.Is(err, models.ErrNotFound), err == nil && u.DisabledAt != nil:
		return &auth.Error{Kind: auth.KindSignedOut, Message: "You’re signed out.", Cause: cause}
	case err == nil && u.Role == models.RoleSupport:
		return errStaffStays
	case err != nil:
		return err
	}
	return cause
}
