// Package confirm authenticates signed-in people again before a sensitive act, on the portal and in apps.
package confirm

import (
	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store      *models.Store
	Clock      auth.Clock
	Notify     *notify.Service
	Limits     *ratelimit.Service
	Gate       *ratelimit.Gate
	Tokens     *token.Service
	Browsers   *browser.Service
	Passwords  *passwordcheck.Service
	Challenges *challenge.Service
}

// Service asks signed-in people to confirm sensitive acts. It is safe for concurrent use.
type Service struct {
	store      *models.Store
	clock      auth.Clock
	notify     *notify.Service
	limits     *ratelimit.Service
	gate       *ratelimit.Gate
	tokens     *token.Service
	browsers   *browser.Service
	passwords  *passwordcheck.Service
	challenges *challenge.Service
}

// New returns the service.
func New(p Parts) *Service {
	return &Service{
		store: p.Store, clock: p.Clock, notify: p.Notify, limits: p.Limits, gate: p.Gate, tokens: p.Tokens, browsers: p.Browsers,
		passwords: p.Passwords, challenges: p.Challenges,
	}
}
