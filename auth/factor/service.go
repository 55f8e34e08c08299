// Package factor manages what an account signs in with beside its password: passkeys, the authenticator app, recovery codes, and the
// browsers that skip the second step.
package factor

import (
	"log/slog"
	"time"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/passkey"
	"latchkey/auth/ratelimit"
	"latchkey/auth/seal"
	"latchkey/models"
)

// The most of what one account keeps, and how long a set-up may take.
const (
	MaxPasskeys = 20
	MaxName     = 64 // characters, of a passkey's name
	SetUpLife   = 30 * time.Minute
)

// AddLimit and RenameLimit are how often an account may change its factors.
var (
	AddLimit    = models.EventLimit{Most: 30, Within: 24 * time.Hour}
	RenameLimit = models.EventLimit{Most: 20, Within: time.Hour}
)

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store    *models.Store
	Clock    auth.Clock
	Log      *slog.Logger
	Sealer   *seal.Sealer
	Notify   *notify.Service
	Confirm  *confirm.Service
	Limits   *ratelimit.Service
	Passkeys *passkey.Ceremonies // nil where passkeys do not work
	Policy   auth.FactorPolicy   // who must have a second factor
	Name     string              // of this service, in authenticator apps
}

// Service manages factors. It is safe for concurrent use.
type Service struct {
	store    *models.Store
	clock    auth.Clock
	log      *slog.Logger
	sealer   *seal.Sealer
	notify   *notify.Service
	confirm  *confirm.Service
	limits   *ratelimit.Service
	passkeys *passkey.Ceremonies
	policy   auth.FactorPolicy
	name     string
}

// New returns the service.
func New(p Parts) *Service {
	return &Service{
		store: p.Store, clock: p.Clock, log: p.Log, sealer: p.Sealer, notify: p.Notify, confirm: p.Confirm, limits: p.Limits, passkeys: p.Passkeys, policy: p.Policy, name: p.Name,
	}
}

// MustSetUp reports whether the account must set up a second factor before anything else.
func (s *Service) MustSetUp(u models.User) bool { return s.policy.MustSetUp(u) }

// HasPasskeys reports whether passkeys work here: they need a base URL with a host name.
func (s *Service) HasPasskeys() bool { return s.passkeys != nil }
