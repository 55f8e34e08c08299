package signin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/dpop"
	"latchkey/auth/passkey"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// PasskeyStart begins a ceremony without a row in the database: the challenge is a sealed text, and only its use is written.
type PasskeyStart struct {
	Challenge string          `json:"challenge"`
	PublicKey json.RawMessage `json:"public_key"` // PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3 §5.1)
	ExpiresIn int64           `json:"expires_in"` // seconds
}

// sealedStart marks a challenge that is a sealed text.
const sealedStart = "s."

// PasskeyLife is how long a page may offer a passkey before it must be loaded again. Ceremonies last as long.
const PasskeyLife = 30 * time.Minute

// passkeyStart is what a sealed challenge holds. Its field names may change: no one keeps it.
type passkeyStart struct {
	Purpose string
	Session []byte
	Until   time.Time
	Step    pendingStep
	User    []byte `json:",omitempty"` // of a confirmation: whose account confirms
}

// startRow is what sealed challenges are bound to.
var startRow = []byte("passkey start\x00")

// seal makes the start of a ceremony with the given passkeys or, with none, with any passkey that the person has here.
func (s *Service) seal(p passkeyStart, known []passkey.Credential, life time.Duration) (start PasskeyStart, err error) {
	if start.PublicKey, p.Session, err = s.passkeys.Request(known, s.clock.Now()); err != nil {
		return start, err
	}
	p.Until = s.clock.Now().Add(life)
	text, err := json.Marshal(p)
	if err != nil {
		return start, fmt.Errorf("seal a ceremony: %w", err)
	}
	start.Challenge = sealedStart + base64.RawURLEncoding.EncodeToString(s.sealer.Seal(startRow, text))
	start.ExpiresIn = int64(life / time.Second)
	return start, nil
}

// unseal opens a sealed challenge of a purpose, or returns KindInvalidChallenge.
func (s *Service) unseal(purpose, challenge string) (p passkeyStart, err error) {
	raw, err := sealedText(challenge)
	if err != nil {
		return p, err
	}
	text, _, err := s.sealer.Open(startRow, raw)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, invalidChallenge(err)
	}
	if p.Purpose != purpose || !s.clock.Now().Before(p.Until) {
		return p, errInvalidChallenge
	}
	return p, nil
}

// maxSealed is the longest sealed challenge, in bytes: it names all passkeys of an account, each with an id of up to 1,023 bytes, though
// authenticators make ids of 16 to 200.
const maxSealed = 32 << 10

// sealedText decodes a sealed challenge, or returns KindInvalidChallenge.
func sealedText(challenge string) ([]byte, error) {
	if len(challenge) > maxSealed {
		return nil, errInvalidChallenge
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(challenge, sealedStart))
	if err != nil {
		return nil, errInvalidChallenge // the cause would repeat the client's text
	}
	return raw, nil
}

// challengeOf returns the hash under which a challenge is used up, and whether it is a sealed one.
func (s *Service) challengeOf(challenge string) (hash []byte, sealed bool, err error) {
	if !strings.HasPrefix(challenge, sealedStart) {
		hash, err = challengeHash(challenge)
		return hash, false, err
	}
	raw, err := sealedText(challenge)
	if err != nil {
		return nil, true, err
	}
	// Of the sealed bytes, not of their text: the decoder skips line breaks, and each spelling would be a challenge that was never used.
	sum := sha256.Sum256(raw)
	return sum[:], true, nil
}

// HasPasskeys reports whether passkeys work here: they need a base URL with a host name.
func (s *Service) HasPasskeys() bool { return s.passkeys != nil }

// ErrNoPasskeys refuses passkeys where they do not work.
var ErrNoPasskeys = &auth.Error{Kind: auth.KindNotAllowed, Message: "Passkeys need a server with a host name, and this one has an IP address only."}

// StartPasskey begins a sign-in with a passkey alone on the portal. It costs no query. It returns the zero PasskeyStart where
// passkeys do not work.
func (s *Service) StartPasskey() (PasskeyStart, error) {
	if !s.HasPasskeys() {
		return PasskeyStart{}, nil
	}
	return s.seal(passkeyStart{Purpose: purposeBrowser}, nil, PasskeyLife)
}

// AppStart begins a sign-in with a passkey alone on an app.
type AppStart struct {
	DeviceName, ClientID string
	Proof                token.Proof
	From                 auth.Caller
}

// StartPasskeyApp begins a sign-in with a passkey alone on an app. It returns KindInvalidRequest, KindUnauthorizedClient,
// KindInvalidProof, KindUseNonce, KindUnavailable or ErrNoPasskeys.
func (s *Service) StartPasskeyApp(ctx context.Context, a AppStart) (PasskeyStart, error) {
	if !s.HasPasskeys() {
		return PasskeyStart{}, ErrNoPasskeys
	}
	var bad auth.Fields
	name, problem := auth.DeviceName(a.DeviceName)
	bad.Refuse("device_name", problem)
	r := LoginRequest{DeviceName: name, ClientID: a.ClientID, Proof: a.Proof, From: a.From}
	named := r.ClientID != ""
	if !named {
		r.ClientID = DefaultClientID
	}
	bad.Text("client_id", r.ClientID, auth.MaxClientID)
	if err := bad.Err(); err != nil {
		return PasskeyStart{}, err
	}
	// The proof is not consumed: strangers may call this, and with a copy of it they get what works with its key only.
	jkt, _, proofErr := s.tokens.CheckProof(a.Proof, "", dpop.Request{})
	if proofErr != nil {
		jkt = ""
	}
	r.From.JKT = jkt
	allowed := false
	err := s.gate.Query(ctx, func() error {
		facts, err := s.store.SignInFacts(ctx, models.SignInQuestion{ClientID: r.ClientID, At: s.clock.Now()})
		allowed = facts.Allowed
		return err
	})
	if err != nil {
		return PasskeyStart{}, err
	}
	if err := s.checkApp(ctx, r, allowed, named, proofErr); err != nil {
		return PasskeyStart{}, err
	}
	return s.seal(passkeyStart{Purpose: purposeApp, Step: pendingStep{Device: name, ClientID: r.ClientID, JKT: jkt}}, nil, AppStepLife)
}

// checkPasskeyStart checks the answer to a PasskeyStart: a sign-in with a passkey alone, which proves two factors in one gesture.
func (s *Service) checkPasskeyStart(ctx context.Context, purpose string, hash []byte, a StepAnswer) (ok answered, err error) {
	a.Method = StepPasskey // no other can answer it
	if err := checkStepFields(a); err != nil {
		return ok, err
	}
	p, err := s.unseal(purpose, a.Challenge)
	if err != nil {
		return ok, err
	}
	if err := p.Step.belongsTo(a); err != nil {
		return ok, err
	}
	owner, err := ownerOf(p, a.Credential)
	if err != nil {
		return ok, err
	}
	leave, err := s.gate.Admit(a.From)
	if err != nil {
		return ok, err
	}
	defer leave()
	err = s.gate.Query(ctx, func() error {
		ok.user, err = s.store.UserByID(ctx, owner)
		return err
	})
	if errors.Is(err, models.ErrNotFound) {
		return ok, errWrongPasskey(err)
	}
	if err != nil {
		return ok, err
	}
	factors, err := s.factorsOf(ctx, ok.user.ID)
	if err != nil {
		return ok, err
	}
	ok.step, ok.method = p.Step, models.ByPasskey
	ok.usedUp = models.ChallengeUse{Hash: hash, Purpose: purpose, Answer: answerHash(a), ExpiresAt: p.Until, Sealed: true}
	if ok.factor, ok.use, err = s.checkPasskey(ctx, purpose, ok.user, factors, p.Session, a.Credential); err != nil {
		return ok, err
	}
	if ok.user.DisabledAt != nil {
		return ok, auth.Refuse(auth.KindAccountDisabled, "This account is disabled.")
	}
	ok.known, ok.allowed, err = s.knownBy(ctx, ok.user, p.Step.ClientID, a.From)
	return ok, err
}

// ownerOf returns whose passkey must have answered. An answer to known passkeys need not say whose it is.
func ownerOf(p passkeyStart, credential []byte) (uuid.UUID, error) {
	if len(p.User) > 0 {
		return uuid.FromBytes(p.User)
	}
	handle, _, err := passkey.UserHandle(credential)
	if err != nil {
		return uuid.Nil, errWrongPasskey(err)
	}
	return handle, nil
}

func errWrongPasskey(cause error) error {
	return &auth.Error{Kind: auth.KindInvalidCode, Message: "This passkey was not accepted. It may have been removed, or it belongs to another account.", Cause: cause, OfPasskey: true}
}

// ceremonies are those that may end a challenge of a purpose. The pages of the portal are answered by their own origin alone, and
// apps by registered Android apps, too. (On iOS an app answers with the origin of the pages.)
func (s *Service) ceremonies(ctx context.Context, purpose string) (*passkey.Ceremonies, error) {
	if purpose == purposeBrowser || purpose == purposeConfirm {
		return s.passkeys, nil
	}
	apps, err := s.clients.Apps(ctx)
	if err != nil {
		return nil, err
	}
	var origins []string
	for _, app := range apps.Android {
		for _, certificate := range app.Certificates {
			origins = append(origins, passkey.AndroidOrigin(certificate))
		}
	}
	return s.passkeys.WithApps(origins)
}

// checkPasskey checks the assertion of one of the account's passkeys.
func (s *Service) checkPasskey(ctx context.Context, purpose string, user models.User, factors []models.Factor, session, credential []byte) (f models.Factor, use models.FactorUse, err error) {
	if !s.HasPasskeys() {
		return f, use, errWrongPasskey(ErrNoPasskeys)
	}
	ceremonies, err := s.ceremonies(ctx, purpose)
	if err != nil {
		return f, use, err
	}
	now := s.clock.Now()
	used, err := ceremonies.FinishRequest(passkey.User{ID: user.ID, Name: user.Email}, session, credential, Passkeys(factors), now)
	if err != nil {
		return f, use, errWrongPasskey(err)
	}
	at := slices.IndexFunc(factors, func(f models.Factor) bool {
		return f.Kind == models.FactorPasskey && bytes.Equal(f.Credential, used.CredentialID)
	})
	if at < 0 {
		return f, use, errWrongPasskey(nil)
	}
	f = factors[at]
	if used.CloneWarning {
		s.log.WarnContext(ctx, "the counter of a passkey went back: it may have been copied", "user", user.ID, "passkey", f.ID)
	}
	return f, models.FactorUse{ID: f.ID, Kind: f.Kind, SignCount: used.SignCount, BackedUp: used.BackedUp, At: now}, nil
}

// IsPasskeyOf reports whether the answer of a passkey, which is not checked yet, names an account.
func IsPasskeyOf(credential []byte, user uuid.UUID) bool {
	handle, _, err := passkey.UserHandle(credential)
	return err == nil && handle == user
}

// knownBy returns how the account knows the caller, and whether an app may sign in.
func (s *Service) knownBy(ctx context.Context, user models.User, clientID string, from auth.Caller) (known ratelimit.Known, allowed bool, err error) {
	facts, err := s.factsOf(ctx, user, clientID, from)
	return ratelimit.KnownBy(facts), facts.Allowed, err
}

func (s *Service) factsOf(ctx context.Context, user models.User, clientID string, from auth.Caller) (facts models.SignInFacts, err error) {
	err = s.gate.Query(ctx, func() error {
		facts, err = s.store.SignInFacts(ctx, models.SignInQuestion{
			EmailKey: user.EmailKey, ClientID: clientID, At: s.clock.Now(), Browser: s.limits.BrowserOrigin(from), Network: s.limits.NetworkOrigin(from),
			KnownSince: s.clock.Now().Add(-ratelimit.KnownFor), JKT: from.JKT,
		})
		return err
	})
	return facts, err
}
