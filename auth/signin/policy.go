package signin

import "latchkey/models"

// Policy says who must have a second factor.
type Policy string

// The policies.
const (
	FactorOptional Policy = "optional" // no one
	FactorSupport  Policy = "support"  // the support staff
	FactorRequired Policy = "required" // everybody
)

// MustSetUp reports whether the account must set up a second factor before anything else.
func (s *Service) MustSetUp(u models.User) bool {
	return !u.SecondFactor && (s.config.SecondFactor == FactorRequired || s.config.SecondFactor == FactorSupport && u.Role == models.RoleSupport)
}

// canTrust reports whether the account's owner may skip the second step on a browser that took it once.
func (s *Service) canTrust(u models.User) bool {
	return s.config.SecondFactor != FactorRequired && u.Role != models.RoleSupport
}
