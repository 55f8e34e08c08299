package passkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// DefaultTimeout is how long a browser waits for its user when Config does not say.
const DefaultTimeout = 5 * time.Minute

// MaxBody is the most bytes of a PublicKeyCredential that are read. An honest one has a few hundred, or a few thousand with an RSA key
// and certificates of a security key.
const MaxBody = 16 << 10

// Config says for which site passkeys are made.
type Config struct {
	// ID is the relying party ID: the host of the base URL, without scheme and port. Passkeys are bound to it: with another ID the
	// existing ones no longer work.
	ID string
	// Name is the brand that authenticators show.
	Name string
	// Origins are those whose pages and apps may use the passkeys: the origin of the base URL, and android:apk-key-hash:… for each app.
	Origins []string
	// Timeout is how long a browser waits for its user. Zero stands for DefaultTimeout.
	Timeout time.Duration
	// Life is how long the options may be answered: as long as the page that shows them stays open. Zero stands for Timeout.
	Life time.Duration
}

// ErrNoDomain says that a site with this host can have no passkeys. They need a host name with a dot, or localhost: browsers refuse IP
// addresses (Level 3, section 5.1.3), and the library other names without a dot.
var ErrNoDomain = errors.New("passkeys need a host name such as id.example.com, or localhost")

// Ceremonies begins and finishes the ceremonies of one site. It is safe for concurrent use.
type Ceremonies struct {
	config  Config
	library *webauthn.WebAuthn
	life    time.Duration
}

// New returns the ceremonies of a site. It returns ErrNoDomain for a host that can have none, such as an IP address, and other errors
// for a configuration that is wrong.
func New(c Config) (*Ceremonies, error) {
	c.ID = strings.ToLower(c.ID)
	if err := protocol.ValidateRPID(c.ID); err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrNoDomain, c.ID, err)
	}
	if c.Name == "" {
		return nil, errors.New("passkeys need a name to show")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Life == 0 {
		c.Life = c.Timeout
	}
	pages, apps := splitOrigins(c.Origins)
	library, err := webauthn.New(&webauthn.Config{
		RPID: c.ID, RPDisplayName: c.Name, RPOrigins: pages, RPOpaqueOrigins: apps,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(), // what Level 1 calls the next member
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login: webauthn.TimeoutConfig{Timeout: c.Timeout}, Registration: webauthn.TimeoutConfig{Timeout: c.Timeout},
		},
		// Some password managers answer with extensions that were not asked for. We use no extension.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys for %s: %w", c.ID, err)
	}
	return &Ceremonies{config: c, library: library, life: c.Life}, nil
}

// WithApps returns ceremonies of the same site that further origins may answer. It is cheap enough to be called for each answer of an
// app, so that the list of apps can change.
func (c *Ceremonies) WithApps(origins []string) (*Ceremonies, error) {
	if len(origins) == 0 {
		return c, nil
	}
	config := c.config
	config.Origins = slices.Concat(config.Origins, origins)
	return New(config)
}

// AndroidOrigin returns the origin of an Android app whose signing certificate has this SHA-256, as Android writes it into the answers
// of passkeys.
func AndroidOrigin(certificate [32]byte) string {
	return "android:apk-key-hash:" + base64.RawURLEncoding.EncodeToString(certificate[:])
}

// splitOrigins tells the origins of pages from those of apps, which are compared letter by letter.
func splitOrigins(origins []string) (pages, apps []string) {
	for _, origin := range origins {
		if protocol.IsOpaqueOrigin(origin) {
			apps = append(apps, origin)
		} else {
			pages = append(pages, origin)
		}
	}
	return pages, apps
}

// User is the account that a passkey belongs to.
type User struct {
	ID          [16]byte // the user handle: the bytes of the account's UUID
	Name        string   // the e-mail address
	DisplayName string
}

// account shows a User and its credentials to the library.
type account struct {
	User
	known []Credential
}

func (a account) WebAuthnID() []byte          { return a.ID[:] }
func (a account) WebAuthnName() string        { return a.Name }
func (a account) WebAuthnDisplayName() string { return a.DisplayName }

func (a account) WebAuthnCredentials() []webauthn.Credential {
	credentials := make([]webauthn.Credential, len(a.known))
	for i, c := range a.known {
		credentials[i] = c.library()
	}
	return credentials
}

// descriptors names credentials to an authenticator.
func descriptors(known []Credential) []protocol.CredentialDescriptor {
	return webauthn.Credentials(account{known: known}.WebAuthnCredentials()).CredentialDescriptors()
}
