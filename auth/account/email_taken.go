package account

import (
	"errors"

	"latchkey/auth"
	"latchkey/models"
)

// EmailTaken replaces the store's errors for an address that another account has, or may take back, by KindEmailTaken.
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
