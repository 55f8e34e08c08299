package account

import (
	"errors"

	"latchkey/auth"
	"latchkey/models"
)

// EmailTaken replaces the store's errors for an address that another account has, or may take back, by KindEmailTaken.
func EmailTaken(err error) error {
	message := "An account with this e-mail address already exists."
	switch {
	case errors.Is(err, models.ErrHeld):
		message = "This e-mail address is reserved for the account that had it until recently."
	case !errors.Is(err, models.ErrDuplicate):
		return err
	}
	return &auth.Error{Kind: auth.KindEmailTaken, Message: message, Fields: []auth.FieldProblem{{Field: "email", Detail: message}}, Cause: err}
}
