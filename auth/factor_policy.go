package auth

import "latchkey/models"

// FactorPolicy says who must have a second factor. The words are those of the operator's setting.
type FactorPolicy string

// The policies.
const (
	FactorOptional FactorPolicy = "optional" // no one
	FactorSupport  FactorPolicy = "support"  // the support staff
	FactorRequired FactorPolicy = "required" // everybody
)

// MustSetUp reports whether the account must set up a second factor before anything else.
func (p FactorPolicy) MustSetUp(u models.User) bool {
	return !u.SecondFactor && (p == FactorRequired || p == FactorSupport && u.Role == models.RoleSupport)
}

// MayTrustBrowsers reports whether the account's owner may skip the second step on a browser that took it once.
func (p FactorPolicy) MayTrustBrowsers(u models.User) bool {
	return p != FactorRequired && u.Role != models.RoleSupport
}
