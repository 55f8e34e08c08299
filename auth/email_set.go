package auth

import (
	"context"
	"errors"

	"latchkey/models"
)

// SetEmail gives an account another address, for an operator. Both addresses get a mail, and neither a link: perhaps a
// thief reads the mail of the former one. Refusals: KindNotFound, KindInvalidRequest, KindEmailTaken.
func (s *Service) SetEmail(ctx context.Context, email, to string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	to = TrimEmail(to)
	if problem := problemWithEmail(to); problem != "" {
		return invalidField("email", problem)
	}
	key, err := s.emailKey(ctx, to)
	if err != nil {
		return err
	}
	e := s.operatorEvent(models.EventEmailChanged, u.ID)
	tell := Letter{Kind: LetterEmailChanged, At: e.At, ByOperator: true, After: veil(to)}
	// The new address may be mistyped and a stranger's: it is not told what the account was called, which a person chose.
	news := Letter{Kind: LetterEmailNew, At: e.At, ByOperator: true, After: to}
	err = s.store.SetEmail(ctx, models.EmailSetting{
		UserID: u.ID, From: u.EmailKey, Email: to, EmailKey: key, At: e.At, Event: e,
		Notices: []models.Notice{s.noticeTo(u.Email, u.ID, tell), s.noticeTo(to, u.ID, news)},
	})
	return emailTaken(err)
}

// emailTaken names the refusal of an address that somebody has, or may take back.
func emailTaken(err error) error {
	message := "There is an account with this e-mail address already."
	switch {
	case errors.Is(err, models.ErrHeld):
		message = "This e-mail address is kept for the account that had it until lately."
	case !errors.Is(err, models.ErrDuplicate):
		return err
	}
	return &Error{Kind: KindEmailTaken, Message: message, Fields: []FieldProblem{{Field: "email", Detail: message}}, Cause: err}
}
