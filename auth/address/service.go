// Package address changes the e-mail address of an account, and gives a former one back.
package address

import (
	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/seal"
	"latchkey/models"
)

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store     *models.Store
	Clock     auth.Clock
	Sealer    *seal.Sealer
	Notify    *notify.Service
	Passwords *passwordcheck.Service
	Confirm   *confirm.Service
	Accounts  *account.Service
	Limits    *ratelimit.Service
	Gate      *ratelimit.Gate
}

// Service changes addresses. It is safe for concurrent use.
type Service struct {
	store     *models.Store
	clock     auth.Clock
	sealer    *seal.Sealer
	notify    *notify.Service
	passwords *passwordcheck.Service
	confirm   *confirm.Service
	accounts  *account.Service
	limits    *ratelimit.Service
	gate      *ratelimit.Gate
}

// New returns the service.
func New(p Parts) *Service {
	return &Service{
		store: p.Store, clock: p.Clock, sealer: p.Sealer, notify: p.Notify, passwords: p.Passwords, confirm: p.Confirm, accounts: p.Accounts, limits: p.Limits, gate: p.Gate,
	}
}
