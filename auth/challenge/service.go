// Package challenge asks for more than a password: it gives challenges for second steps and passkeys, and checks their answers, for
// sign-ins and for confirmations alike. It also knows the browsers that skip the second step, and tells owners about missed steps.
package challenge

import (
	"log/slog"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/notify"
	"latchkey/auth/passkey"
	"latchkey/auth/ratelimit"
	"latchkey/auth/seal"
	"latchkey/auth/tally"
	"latchkey/models"
)

// Parts are the dependencies of the service. All but Passkeys are required.
type Parts struct {
	Store    *models.Store
	Clock    auth.Clock
	Log      *slog.Logger
	Sealer   *seal.Sealer
	Notify   *notify.Service
	Limits   *ratelimit.Service
	Gate     *ratelimit.Gate
	Clients  *client.Service
	Passkeys *passkey.Ceremonies // nil where passkeys do not work
	Policy   auth.FactorPolicy   // who must have a second factor
}

// Service gives challenges and checks their answers. It is safe for concurrent use.
type Service struct {
	store    *models.Store
	clock    auth.Clock
	log      *slog.Logger
	sealer   *seal.Sealer
	notify   *notify.Service
	limits   *ratelimit.Service
	gate     *ratelimit.Gate
	clients  *client.Service
	passkeys *passkey.Ceremonies
	policy   auth.FactorPolicy
	checks   *tally.Tally[FactorCheck]
}

// New returns the service.
func New(p Parts) *Service {
	return &Service{
		store: p.Store, clock: p.Clock, log: p.Log, sealer: p.Sealer, notify: p.Notify, limits: p.Limits, gate: p.Gate, clients: p.Clients,
		passkeys: p.Passkeys, policy: p.Policy, checks: newFactorTally(),
	}
}
