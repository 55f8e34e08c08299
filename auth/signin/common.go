package signin

import "latchkey/auth/password"

// PasswordIsCommon tells whether the password of a sign-in that succeeded is on the list of common ones. Nothing is refused for it:
// the portal offers a change.
func (s *Service) PasswordIsCommon(typed string) bool { return password.IsCommon(typed) }
