package account

import (
	"errors"

	"latchkey/auth"
	"latchkey/models"
)

// EmailTaken names the refusal of an address that somebody has, or may take back.
func EmailTaken(err error) error {
	message := "There is an account with this e-mail address already."
	switch {
	case errors.Is(err, models.ErrHeld):
		message = "This e-mail address is kept for the account that had it until lately."
	case !errors.Is(err, models.ErrDuplicate):
		return err
	}
	return &auth.Error{Kind: auth.KindEmailTaken, Message: message, Fields: []auth.FieldProblem{{Field: "email", Detail: message}}, Cause: err}
}
