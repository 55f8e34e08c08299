// Package token makes devices and their tokens. It refreshes, mints and checks access tokens, and checks DPoP proofs.
package token

import (
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/keys"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/auth/revocation"
	"latchkey/auth/tally"
	"latchkey/models"
)

// Config holds the operator's settings for tokens.
type Config struct {
	Issuer          string        // iss of access tokens: the public origin
	Audience        string        // aud of access tokens
	AccessTTL       time.Duration // life of an access token, which never exceeds the device's own
	RetryWindow     time.Duration // see the fork rule of models.RotateDevice
	MaxDevices      int           // live apps, and live browsers, of one user; 0: no limit
	DeviceNameClaim bool          // put device_name into access tokens
	NonceRequired   bool          // DPoP proofs must carry a nonce of this server
}

// Parts are the dependencies of the service. All are required.
type Parts struct {
	Store       *models.Store
	Clock       auth.Clock
	Log         *slog.Logger
	Idle        auth.Idle
	Keys        *keys.Service
	Clients     *client.Service
	Notify      *notify.Service
	Limits      *ratelimit.Service
	Gate        *ratelimit.Gate
	Hasher      *ratelimit.Hasher
	Codec       *devicetoken.Codec
	Proofs      *dpop.Seen
	Nonces      *dpop.Nonces
	Revocations *revocation.Service

	InstallationKeys [][]byte // HMAC keys of the installations of apps: the present one first
}

// Service makes and checks tokens. It is safe for concurrent use.
type Service struct {
	config      Config
	store       *models.Store
	clock       auth.Clock
	log         *slog.Logger
	idle        auth.Idle
	keys        *keys.Service
	clients     *client.Service
	notify      *notify.Service
	limits      *ratelimit.Service
	gate        *ratelimit.Gate
	hasher      *ratelimit.Hasher
	codec       *devicetoken.Codec
	proofs      *dpop.Seen
	nonces      *dpop.Nonces
	revocations *revocation.Service
	parser      *jwt.Parser

	installationKeys [][]byte

	refreshes *tally.Tally[string]
	signIns   *tally.Tally[SignIn]
}

// New returns the service.
func New(p Parts, c Config) *Service {
	s := &Service{
		config: c, store: p.Store, clock: p.Clock, log: p.Log, idle: p.Idle, keys: p.Keys, clients: p.Clients, notify: p.Notify, limits: p.Limits,
		installationKeys: p.InstallationKeys, gate: p.Gate, hasher: p.Hasher, codec: p.Codec, proofs: p.Proofs, nonces: p.Nonces, revocations: p.Revocations, refreshes: newRefreshTally(), signIns: newSignInTally(),
	}
	s.parser = s.newParser()
	return s
}

// Config returns the settings that New got, for pages and metadata.
func (s *Service) Config() Config { return s.config }
