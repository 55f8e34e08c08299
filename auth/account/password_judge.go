package account

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/password"
)

const sayBreached = "Choose another password. This one was stolen in a data breach elsewhere, and attackers try it."

// JudgePassword refuses a new password that would be guessed soon, or is known from breaches, with KindInvalidRequest of the field. It
// estimates in the place of a hash, because that costs as much. It runs inside the gate before sign-ins, or for an operator. Refusals besides: KindUnavailable.
func (s *Service) JudgePassword(ctx context.Context, field, email, typed string) error {
	var problem string
	err := s.hasher.Do(ctx, func() {
		problem = password.Simple(typed, password.ContextWords(email, s.config.Names))
	})
	if err != nil {
		return err
	}
	if problem == "" && s.breaches.know(ctx, typed) {
		problem = sayBreached
	}
	if problem != "" {
		return auth.InvalidField(field, problem)
	}
	return nil
}

// judgeAtGate judges the new password of a person who has just proved to know the current one, so that the limits on that bound it.
func (s *Service) judgeAtGate(ctx context.Context, email string, c PasswordChange) error {
	leave, err := s.gate.Admit(c.Confirmation.From)
	if err != nil {
		return err
	}
	defer leave()
	return s.JudgePassword(ctx, "new_password", email, c.New)
}
