// Package logout carries sign-outs between this server and its clients: it tells clients that devices were revoked (OpenID Connect
// Back-Channel Logout 1.0), and lets them ask people to sign out (OpenID Connect RP-Initiated Logout 1.0).
package logout

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/keys"
	"latchkey/auth/token"
	"latchkey/models"
)

// Post sends a logout token to a client's back-channel logout URI, as the parameter logout_token of a form (Back-Channel Logout §2.5).
// It returns the status of the answer. It must not follow redirects. Its context ends after PostTime.
type Post func(ctx context.Context, uri, token string) (status int, err error)

// Config holds the settings of the service.
type Config struct {
	Issuer string // iss of tokens: the public origin
	Post   Post   // nil: this process tells no client
}

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store   *models.Store
	Clock   auth.Clock
	Log     *slog.Logger
	Idle    auth.Idle
	Keys    *keys.Service
	Clients *client.Service
	Tokens  *token.Service
}

// Service tells clients about sign-outs, and answers those that ask for one. It is safe for concurrent use.
type Service struct {
	config  Config
	store   *models.Store
	clock   auth.Clock
	log     *slog.Logger
	idle    auth.Idle
	keys    *keys.Service
	clients *client.Service
	tokens  *token.Service
	counts  struct{ delivered, failed, refused, givenUp atomic.Int64 }
}

// New returns the service.
func New(p Parts, c Config) *Service {
	return &Service{config: c, store: p.Store, clock: p.Clock, log: p.Log, idle: p.Idle, keys: p.Keys, clients: p.Clients, tokens: p.Tokens}
}

// NoticeCounts are how the attempts of this process to tell clients ended.
type NoticeCounts struct {
	Delivered int64
	Failed    int64 // to be tried again
	Refused   int64 // the client answered 400
	GivenUp   int64 // after GiveUpAfter
}

// NoticeCounts returns the counts since the process started.
func (s *Service) NoticeCounts() NoticeCounts {
	c := &s.counts
	return NoticeCounts{Delivered: c.delivered.Load(), Failed: c.failed.Load(), Refused: c.refused.Load(), GivenUp: c.givenUp.Load()}
}

// PostTime is how long a client may take to answer.
const PostTime = 5 * time.Second
