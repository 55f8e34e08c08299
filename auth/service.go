package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/keyring"
	"latchkey/auth/mail"
	"latchkey/models"
)

// waitingHashes is how many sign-ins may wait for a password to be hashed.
const waitingHashes = 64

// MinSecret is the shortest server secret, in bytes.
const MinSecret = 32

// Config is what an operator decides. New fills no defaults in: cmd does.
type Config struct {
	Issuer          string        // iss of access tokens: the public origin
	Audience        string        // aud of access tokens
	SigningAlg      string        // ES256, EdDSA or RS256
	AccessTTL       time.Duration // life of an access token; never past the device's own
	StatusTTL       time.Duration // how long a resource server may go by a status list it has fetched; 0: no status lists
	StatusURL       string        // where the status lists are, with a slash at the end
	DeviceLifetime  time.Duration // absolute life of an app, fixed at sign-in
	DeviceIdle      time.Duration // an app unseen for so long must sign in again
	BrowserLifetime time.Duration
	BrowserIdle     time.Duration
	MaxRefreshes    int64         // refreshes of one app, fixed at sign-in; 0: no limit
	RetryWindow     time.Duration // see the fork rule, models.RotateDevice
	MaxDevices      int           // live devices of one user, apps and browsers each; 0: no limit
	SignupOpen      bool
	PasswordMin     int  // characters, at least 8
	DeviceNameClaim bool // put device_name into access tokens
	DPoPRequired    bool // new apps must bind their tokens to a key (RFC 9449)
	NonceRequired   bool // DPoP proofs must carry a nonce of ours
	ProofMemory     int  // DPoP proofs that are remembered against replay, at most 80 bytes each; 0: a million

	Secret   []byte   // the server secret, at least MinSecret random bytes
	Previous [][]byte // older secrets, or the next one during a change, still accepted

	Mail   mail.Sender // takes mails; nil: there are none, and nobody is told or let back in by mail
	Render Render      // puts them into words; only a process that runs Run needs it

	Now     func() time.Time     // the clock; nil: the system's
	Elapsed func() time.Duration // the time since a fixed moment, by a clock that nobody sets; nil: the system's
	Logger  *slog.Logger         // nil discards
	Workers int                  // passwords hashed at a time; 0: as many as cores
	Hash    HashParams           // the cost of new password hashes; zero: DefaultHashParams. Tests lower it
}

// Caller is who sent a request, as far as the network tells.
type Caller struct {
	IP netip.Addr // shown to people; compared only when the network is known
	// NetworkUnknown says that IP is that of a proxy which did not tell whose request it passed on. Such a caller is from no
	// network: it equals no other, not even another unknown one, has no network's limit and is never known by its network.
	NetworkUnknown bool
	UserAgent      string // made by CleanAgent
	Browser        string // the long-lived random mark of a browser; empty for apps
	JKT            string // thumbprint of a key that was proven with the request (RFC 9449); empty without
}

// network is what one subscriber commonly holds: an IPv4 address, or the /64 of an IPv6 one; "" when it is unknown.
func (c Caller) network() string {
	if c.NetworkUnknown || !c.IP.IsValid() {
		return ""
	}
	return networkOf(c.IP)
}

// address is what is shown and stored, "" when there is nothing to show.
func (c Caller) address() string {
	if !c.IP.IsValid() {
		return ""
	}
	return c.IP.WithZone("").String() // a zone is any text
}

// Service makes every decision. It is safe for concurrent use.
type Service struct {
	Config
	store     *models.Store
	tokens    *devicetoken.Codec
	sealer    *keyring.Sealer
	hasher    *hasher
	door      *door
	slots     *slots
	proofs    *dpop.Seen
	nonces    *dpop.Nonces
	boxes     boxes
	kick      [len(mailLanes)]chan struct{} // wake the senders of mails
	mailCount atomic.Uint32                 // of mails that this process wrote; only their order is taken from it
	limits    []byte                        // key of the hashes under which attempts and places are kept

	browsers []byte // key of the secrets that browsers get

	budgets budgets

	status   statusBoard
	readers  *bulk         // downloads of accounts' data
	leaving  chan struct{} // wakes the goroutine that finishes deletions
	desk     supportDesk
	ready    readiness
	ring     atomic.Pointer[keyring.Ring]
	ringLock sync.Mutex
	ringAt   time.Time // when the ring was read last; guarded by ringLock
	parser   *jwt.Parser
}

// New makes the service. It reads nothing yet: LoadKeys does.
func New(store *models.Store, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Hash == (HashParams{}) {
		c.Hash = DefaultHashParams
	}
	if c.PasswordMin < 8 {
		return nil, errors.New("auth: passwords of fewer than 8 characters cannot be allowed")
	}
	secrets := append([][]byte{c.Secret}, c.Previous...)
	derive := func(purpose string) (keys [][]byte, err error) {
		for _, secret := range secrets {
			key, err := Derive(secret, purpose)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		return keys, nil
	}
	tokens, err := derive("device token")
	if err != nil {
		return nil, err
	}
	seals, err := derive("seal")
	if err != nil {
		return nil, err
	}
	limits, err := derive("limits")
	if err != nil {
		return nil, err
	}
	browsers, err := derive("browser")
	if err != nil {
		return nil, err
	}
	nonces, err := derive("dpop nonce")
	if err != nil {
		return nil, err
	}
	mails, err := derive("mail")
	if err != nil {
		return nil, err
	}
	boxes, err := newBoxes(mails)
	if err != nil {
		return nil, err
	}
	sealer, err := keyring.NewSealer(seals[0], seals[1:]...)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	s := &Service{
		Config: c, store: store, sealer: sealer, limits: limits[0], browsers: browsers[0], boxes: boxes, leaving: make(chan struct{}, 1),
		nonces: dpop.NewNonces(nonces[0]), proofs: dpop.NewSeen(c.ProofMemory),
		tokens: devicetoken.New(tokens[0], tokens[1:]...), desk: supportDesk{within: supportWithin},
		hasher: newHasher(c.Hash, c.Workers, waitingHashes, 5*time.Second), door: newDoor(c.Workers, waitingHashes),
		slots: &slots{patience: slotPatience, of: map[string]*slot{}}, budgets: budgets{maxSignIns, maxSignInsDay},
		readers: newBulk(maxDownloads),
	}
	for i := range s.kick {
		s.kick[i] = make(chan struct{}, 1)
	}
	s.hasher.refreshes.began = time.Now()
	s.parser = s.newParser()
	return s, nil
}

// Derive makes the 32-byte key for one purpose from the server secret (HKDF-SHA-256, RFC 5869). It refuses secrets
// shorter than MinSecret.
func Derive(secret []byte, purpose string) ([]byte, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("auth: the server secret has %d bytes, it needs at least %d", len(secret), MinSecret)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "latchkey/v1/"+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("auth: derive %s key: %w", purpose, err)
	}
	return key, nil
}

// now is the service's time, as the databases keep it.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// live says what is live now under the current configuration.
func (s *Service) live(now time.Time) models.Liveness {
	return models.Liveness{
		Now: now, AppSince: now.Add(-s.DeviceIdle),
		BrowserSince: now.Add(-s.browserIdle(models.RoleUser)), SupportSince: now.Add(-s.browserIdle(models.RoleSupport)),
	}
}
