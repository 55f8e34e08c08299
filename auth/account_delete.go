package auth

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/models"
)

// AccountDeletion is a person's wish to have no account any more.
type AccountDeletion struct {
	Password string
	Email    string // of the account, typed once more: nobody deletes another account than the one they mean
	From     Caller
}

// DeleteAccount deletes the account of a person who gives its address and password, with its devices and everything else
// but anonymous events, and mails a farewell. Nothing brings it back. Refusals: KindNotAllowed (support staff),
// KindInvalidRequest (of email also while a former address can be taken back), KindWrongPassword (of current_password), KindRateLimited, KindUnavailable; KindSignedOut when it
// is gone already.
func (s *Service) DeleteAccount(ctx context.Context, by *Session, d AccountDeletion) error {
	if by.Support() {
		return errStaffStays
	}
	d.Email = TrimEmail(d.Email)
	var bad fields
	if bad.text("email", d.Email, maxEmail); len(bad) == 0 && sameEmail(d.Email) != sameEmail(by.User.Email) {
		bad.refuse("email", "This is not the e-mail address of the account that you are signed in to.")
	}
	bad.text("current_password", d.Password, maxPassword)
	if err := bad.err(); err != nil {
		return err
	}
	if err := s.confirmPassword(ctx, by.User, d.Password, d.From); err != nil {
		return err
	}
	now := s.now()
	var had []string
	err := s.store.DeleteUser(ctx, models.Deletion{
		UserID: by.User.ID, Verified: by.User.PasswordHash, Now: s.now, Event: s.event(models.EventAccountDeleted, by.User.ID, d.From, now),
		Farewell: s.notice(uuid.Nil, letter(LetterDeleted, d.From, now)),
		Seal: func(emailKeys []string) []byte {
			had = emailKeys
			return s.sealDeleted(by.User.ID, emailKeys)
		},
	})
	switch {
	case errors.Is(err, models.ErrChanged):
		return s.whyNotDeleted(ctx, by, err)
	case errors.Is(err, models.ErrWayBack):
		return invalidField("email", "The e-mail address of this account was changed during the last seven days. While the mail to the former one can undo that, the account cannot be deleted.")
	}
	s.kickMail()
	if err == nil {
		s.deletedJust(ctx, by.User.ID, had)
	}
	return err
}

// Deleted tells whether the account that a browser was signed in to is gone.
func (s *Service) Deleted(ctx context.Context, key BrowserKey) bool {
	_, err := s.store.UserByID(ctx, key.UserID)
	return errors.Is(err, models.ErrNotFound)
}

// errStaffStays: what the staff have looked at is other people's to know, and the operator's to ask about. So an account
// of theirs goes only once the operator has taken its role away.
var errStaffStays = &Error{Kind: KindNotAllowed, Message: "Accounts of the support staff cannot be deleted here. Ask whoever runs this service to take the role away first."}

// whyNotDeleted tells what has changed since the password was checked.
func (s *Service) whyNotDeleted(ctx context.Context, by *Session, cause error) error {
	u, err := s.store.UserByID(ctx, by.User.ID)
	switch {
	case errors.Is(err, models.ErrNotFound), err == nil && u.DisabledAt != nil:
		return &Error{Kind: KindSignedOut, Message: "You are signed out.", Cause: cause}
	case err == nil && u.Role == models.RoleSupport:
		return errStaffStays
	case err != nil:
		return err
	}
	return &Error{Kind: KindWrongPassword, Message: "Your password was changed meanwhile.", Cause: cause}
}
