package grant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// Redemption presents a code at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5).
type Redemption struct {
	Code, RedirectURI, Verifier string
	Client                      client.Identity
	Proof                       token.Proof // binds the device to its key, if there is one
	Installation                auth.SentInstallation
	From                        auth.Caller
}

var codeVerifier = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) // RFC 7636 §4.1

// errCode refuses a code. One message for every reason: who holds a code without the rest learns nothing more.
func errCode(cause error) error {
	return &auth.Error{
		Kind:    auth.KindInvalidGrant,
		Message: "The code is unknown, too old or used, or client_id, redirect_uri, code_verifier or the DPoP key are not those that it was given for.", Cause: cause,
	}
}

// Redeem makes the device that a code stands for, and its first tokens. Within CodeLife the same code gets the same device again, from
// the same address or with the device's key, until that device has refreshed: a lost answer signs no one out. What else can happen to a
// code that comes twice is said at again.
//
// Redeem returns KindInvalidGrant; KindInvalidClient if the client is not registered, or did not authenticate as it must;
// KindInvalidRequest without a client_id; KindInvalidProof or KindUseNonce for the proof; KindRateLimited or KindUnavailable; and
// KindTooManyDevices if others took the last places since the approval, which leaves the code and all devices as they are.
func (s *Service) Redeem(ctx context.Context, r Redemption) (token.Answer, error) {
	if err := s.checkClient(ctx, r.Client); err != nil {
		return token.Answer{}, err
	}
	installed, err := s.readInstallation(r.Installation)
	if err != nil {
		return token.Answer{}, err
	}
	if !isCode(r.Code) || !codeVerifier.MatchString(r.Verifier) {
		return token.Answer{}, errCode(nil)
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return token.Answer{}, err // before the code is used: the tokens could not be signed
	}
	jkt, proof, err := s.tokens.CheckProof(r.Proof, "", dpop.Request{})
	if err != nil {
		return token.Answer{}, err
	}
	if jkt == "" && s.signIn.RequiresKey() {
		return token.Answer{}, errNeedsKey
	}
	r.From.JKT = jkt
	return s.exchange(ctx, presented{
		code: r.Code, purpose: models.PurposeCode, from: r.From, proof: proof, installed: installed, refuse: errCode, ended: errCode,
		find: func() (models.Challenge, keptCode, error) { return s.find(ctx, r) },
	})
}

// presented is a code that a client presents, of either kind: one of an authorization request or one of a device.
type presented struct {
	code, purpose string
	from          auth.Caller
	proof         *token.CheckedProof // consumed for the code's account; nil without a proof
	installed     auth.Installation   // none: that of the request that was pushed counts
	find          func() (models.Challenge, keptCode, error)
	refuse        func(cause error) error // makes the refusal of a code that was used
	ended         func(cause error) error // makes that of an approval that does not hold any more
}

// exchange makes the device of a code and its first tokens, or returns those that the code has made.
func (s *codes) exchange(ctx context.Context, p presented) (token.Answer, error) {
	row, kept, err := p.find()
	if err != nil {
		return token.Answer{}, err
	}
	if err := p.proof.ConsumeAs(row.UserID.String()); err != nil {
		return token.Answer{}, err
	}
	d, err := s.redeem(ctx, p, row, kept)
	if errors.Is(err, models.ErrUsed) { // another request with the code was faster
		if row, kept, err = p.find(); err == nil {
			d, err = s.redeem(ctx, p, row, kept)
		}
	}
	if err != nil {
		return token.Answer{}, err
	}
	secret, ok := s.secretOf(d, p.code)
	if !ok {
		return token.Answer{}, p.refuse(errors.New("made under another secret of the server"))
	}
	answer, err := s.tokens.Issue(ctx, d, secret, p.from.JKT)
	if err == nil && slices.Contains(kept.Scope, ScopeOpenID) {
		answer.IDToken, err = s.idToken(ctx, d, kept)
	}
	return answer, err
}

var (
	errNoClientID    = auth.InvalidField("client_id", "It must be sent, in the body or by HTTP Basic.")
	errUnknownClient = auth.Refuse(auth.KindInvalidClient, "This client_id is not registered here.")
	errNeedsKey      = auth.Refuse(auth.KindInvalidProof, "This server wants every app to prove a key of its own (DPoP).")
)

// readInstallation reads what an app sends about its installation, or returns KindInvalidRequest.
func (s *codes) readInstallation(sent auth.SentInstallation) (auth.Installation, error) {
	var bad auth.Fields
	i := s.tokens.ReadInstallation(sent, &bad)
	return i, bad.Err()
}

// checkClient checks that a request names a registered client, and that it authenticated if it is a confidential one.
func (s *Service) checkClient(ctx context.Context, who client.Identity) error {
	if who.ID == "" {
		return errNoClientID
	}
	c, ok, err := s.clients.Registered(ctx, who.ID, func(models.Client) bool { return true })
	switch {
	case err != nil:
		return err
	case !ok:
		return errUnknownClient
	case c.Confidential() && who.Proven() != c.ID:
		return client.ErrUnproven
	}
	return nil
}

// find reads a code and checks everything that was sent with it. A wrong client, redirect URI, verifier or key changes nothing: who sends
// it may hold no more than a copy of the code.
func (s *Service) find(ctx context.Context, r Redemption) (row models.Challenge, kept keptCode, err error) {
	if row, kept, err = s.kept(ctx, models.PurposeCode, codeHash(r.Code)); errors.Is(err, models.ErrNotFound) {
		return row, kept, errCode(err)
	}
	if err != nil {
		return row, kept, err
	}
	sum := sha256.Sum256([]byte(r.Verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	switch {
	case !s.within(row.CreatedAt, CodeLife):
		return row, kept, errCode(errors.New("too old"))
	case kept.ClientID != r.Client.ID:
		return row, kept, errCode(errors.New("another client"))
	case kept.RedirectURI != r.RedirectURI:
		return row, kept, errCode(errors.New("another redirect URI"))
	case subtle.ConstantTimeCompare([]byte(challenge), []byte(kept.Challenge)) != 1:
		return row, kept, errCode(errors.New("another verifier"))
	case kept.JKT != "" && r.From.JKT == "":
		return row, kept, auth.Refuse(auth.KindInvalidProof, "The code is bound to a key: a DPoP proof is needed.")
	case kept.JKT != "" && kept.JKT != r.From.JKT:
		return row, kept, errCode(errors.New("another key"))
	}
	return row, kept, nil
}

// kept reads what was approved. It returns models.ErrNotFound for what is unknown, has expired, or was used more than a minute ago.
func (s *codes) kept(ctx context.Context, purpose string, hash []byte) (row models.Challenge, kept keptCode, err error) {
	err = s.gate.Query(ctx, func() error {
		row, err = s.store.FindChallenge(ctx, purpose, hash, s.clock.Now())
		return err
	})
	if err != nil {
		return row, kept, err
	}
	data, _, err := s.sealer.Open(codeRow(hash), row.Data)
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil {
		err = errors.Join(models.ErrNotFound, err) // sealed under a secret that we no longer know
	}
	return row, kept, err
}

// redeem returns the device of a code: a new one, or the one that the code has made. It returns models.ErrUsed if another request has
// used the code since it was read.
func (s *codes) redeem(ctx context.Context, p presented, row models.Challenge, kept keptCode) (models.Device, error) {
	if row.UsedAt != nil {
		return s.again(ctx, p, row)
	}
	browser, err := s.store.LiveDevice(ctx, row.UserID, kept.Browser, s.idle.Live(s.clock.Now()))
	if errors.Is(err, models.ErrNotFound) || err == nil && browser.Kind != models.KindBrowser {
		return models.Device{}, p.ended(errors.New("the browser was signed out"))
	}
	if err != nil {
		return models.Device{}, err
	}
	v := token.Verified{User: models.User{ID: row.UserID, PasswordHash: kept.Verified, FactorsVersion: kept.Version}}
	installed := kept.Installation
	if !p.installed.None() {
		installed = p.installed
	}
	n := s.signIn.NewApp(v, p.from, kept.ClientID, kept.Name, installed)
	n.Device.SecretHash = devicetoken.SecretHash(deviceSecret(s.codeKeys[0], p.code))
	n.Device.Scope, n.Device.ThroughAgent = strings.Join(kept.Scope, " "), kept.Agent
	n.Device.SignedInBy, n.Device.ProvedBy, n.Device.ProvedAt = kept.ProvedBy, kept.ProvedBy, &kept.ProvedAt
	n.Challenge, n.Silent = &models.ChallengeUse{Hash: row.Hash, Purpose: p.purpose, ExpiresAt: row.ExpiresAt}, kept.Silent
	if n.Alert != nil {
		n.Alert.Always = true
	}
	if kept.Leave != uuid.Nil {
		n.Room.Leave = &kept.Leave
	}
	d, err := s.tokens.AddDevice(ctx, n)
	if errors.Is(err, models.ErrNotFound) && n.Room.Leave != nil { // it has ended since, and its row was deleted
		n.Room.Leave = nil
		d, err = s.tokens.AddDevice(ctx, n)
	}
	if errors.Is(err, models.ErrChanged) || errors.Is(err, models.ErrNoConsent) {
		return d, p.ended(err)
	}
	return d, err
}

// again judges a code that was redeemed before. The client and the key are right, and the verifier of an authorization code.
//
//	the device has not refreshed, same address or key  the same answer
//	the device has not refreshed, from elsewhere       the device ends, without an alarm: an honest app may have changed its network
//	the device has refreshed, same address or key      nothing
//	the device has refreshed, from elsewhere           theft: the device ends, and its owner is told
func (s *codes) again(ctx context.Context, p presented, row models.Challenge) (models.Device, error) {
	used := p.refuse(errors.New("used"))
	if !row.DeviceID.Valid {
		return models.Device{}, used
	}
	key, now := models.DeviceKey{UserID: row.UserID, ID: row.DeviceID.UUID}, s.clock.Now()
	for range 2 { // a refresh may come between
		d, err := s.store.LiveDevice(ctx, key.UserID, key.ID, s.idle.Live(now))
		if errors.Is(err, models.ErrNotFound) {
			return d, used
		}
		if err != nil {
			return d, err
		}
		fresh := d.Generation == 1 && d.Base == 0
		known := p.from.Address() != "" && p.from.Address() == d.CreatedIP
		if d.JKT != "" {
			if p.from.JKT != d.JKT {
				return d, used // another key changes nothing
			}
			known = true
		}
		switch {
		case fresh && known:
			return d, nil
		case known:
			return d, used
		}
		e := auth.NewEvent(models.EventDeviceRevoked, key.UserID, p.from, now)
		e.Actor, e.Detail = models.ActorSystem, string(models.RevokedByCode)
		end := s.store.EndUnrefreshed
		if !fresh {
			e.Kind, e.Detail = models.EventDeviceReused, string(models.RevokedByReuse)
			end = func(ctx context.Context, key models.DeviceKey, e models.Event) (bool, error) {
				return s.store.EndReused(ctx, key, e, func(d models.Device) (*models.Reuse, models.MailWithLinks) {
					reuse := auth.NewReuse(d, p.from)
					return reuse, s.notify.ReusedMail(d, reuse, p.from, now)
				})
			}
		}
		ended, err := end(ctx, key, e)
		if err != nil {
			return d, err
		}
		if ended {
			s.notify.Wake()
			break
		}
	}
	return models.Device{}, used
}

// Owner returns the account of a device.
func (s *codes) Owner(ctx context.Context, d models.Device) (models.User, error) {
	return s.store.UserByID(ctx, d.UserID)
}

// idToken signs the ID token of a new device.
func (s *codes) idToken(ctx context.Context, d models.Device, kept keptCode) (string, error) {
	c := token.IDClaims{Nonce: kept.Nonce}
	if slices.Contains(kept.Scope, ScopeEmail) {
		user, err := s.Owner(ctx, d)
		if err != nil {
			return "", err
		}
		c.Email, c.EmailVerified = user.Email, user.Verified()
	}
	return s.tokens.MintID(ctx, d, c)
}
