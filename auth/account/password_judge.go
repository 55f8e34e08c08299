package account

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/models"
)

const saySamePassword = "Choose a password that’s different from your current one."

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

// judgeAtGate judges the new password of a person who has just proved who they are, so that the limits on that bound it. On the portal the
// current password was typed, unless a passkey confirmed; for an app it never is.
func (s *Service) judgeAtGate(ctx context.Context, n newPassword) error {
	leave, err := s.gate.Admit(n.from)
	if err != nil {
		return err
	}
	defer leave()
	if err := s.JudgePassword(ctx, "new_password", n.user.Email, n.chosen); err != nil || n.app == nil {
		return err
	}
	return s.refuseSame(ctx, n.user, n.chosen)
}

// refuseSame refuses the present password as a new one: it may be the reason for the change that another person knows it.
func (s *Service) refuseSame(ctx context.Context, user models.User, chosen string) error {
	same, _, err := s.hasher.Verify(ctx, user.PasswordHash, chosen)
	if err == nil && same {
		err = auth.InvalidField("new_password", saySamePassword)
	}
	return err
}
