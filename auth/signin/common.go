package signin

import "latchkey/auth/password"

// PasswordIsCommon reports whether a password is on the list of common passwords. The portal asks after a successful sign-in, and
// offers to change such a password; the sign-in is not refused.
func (s *Service) PasswordIsCommon(typed string) bool { return password.IsCommon(typed) }
