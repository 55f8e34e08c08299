package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// The reasons of KindInvalidGrant, in the words of the API.
const (
	ReasonMalformed     = "malformed"
	ReasonUnknownDevice = "unknown_device"
	ReasonRevoked       = "revoked"
	ReasonReused        = "reused"
	ReasonExpired       = "expired"
	ReasonIdle          = "idle"
	ReasonRefreshLimit  = "refresh_limit"
)

// Answer is the response to a sign-in or a refresh (RFC 6749 §5.1, with members of this API). Times are in seconds.
type Answer struct {
	AccessToken  string    `json:"access_token"`
	TokenType    string    `json:"token_type"`
	ExpiresIn    int64     `json:"expires_in"`
	RefreshToken string    `json:"refresh_token"`
	RefreshIn    int64     `json:"refresh_in"` // when to refresh: random, and before expires_in
	DeviceID     uuid.UUID `json:"device_id"`
	DeviceName   string    `json:"device_name"`
	Scope        string    `json:"scope,omitempty"`    // that was granted (RFC 6749 §3.3); empty: the app asked for none
	IDToken      string    `json:"id_token,omitempty"` // of a sign-in through the browser with the scope openid
}

// RefreshRequest presents a device token.
type RefreshRequest struct {
	Token  string
	Client client.Identity // its ID must be the device's, unless it is empty; the device of a confidential client needs a proven one
	Proof  Proof           // if the device is bound to a key, it must prove that key
	From   auth.Caller
}

// Refresh applies the fork rule (models.RotateDevice) to a device token and returns its successor. Malformed tokens are refused
// without a query. KindInvalidGrant always means that the person must sign in again; its Reason says why. After any other error the
// client may present the same token again. Most of these errors use up nothing, but after KindUnavailable, for example, the token may
// have been used. KindInvalidClient means that the client must authenticate.
func (s *Service) Refresh(ctx context.Context, r RefreshRequest) (Answer, error) {
	answer, outcome, err := s.refresh(ctx, r)
	s.refreshes.Add(refreshWord(outcome, err), 1)
	return answer, err
}

// refresh is Refresh that also returns the outcome of a refresh that succeeded.
func (s *Service) refresh(ctx context.Context, r RefreshRequest) (Answer, models.Outcome, error) {
	if problem := auth.ProblemWithText(r.Client.ID, auth.MaxClientID); problem != "" {
		return Answer{}, 0, auth.InvalidField("client_id", problem)
	}
	token, err := s.codec.Parse(r.Token)
	if err != nil {
		return Answer{}, 0, invalidGrant(ReasonMalformed, err)
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return Answer{}, 0, err // before the token is used: the response could not be signed
	}
	protected, err := s.clients.Protected(ctx, r.Client)
	if err != nil {
		return Answer{}, 0, err
	}
	jkt, proof, err := s.CheckProof(r.Proof, token.UserID.String(), dpop.Request{})
	if err == nil {
		err = proof.fresh()
	}
	if err != nil {
		return Answer{}, 0, err
	}
	now := s.clock.Now()
	result, err := s.rotate(ctx, models.Rotation{
		Key:        models.DeviceKey{UserID: token.UserID, ID: token.DeviceID},
		SecretHash: devicetoken.SecretHash(token.Secret), Generation: token.Generation, ClientID: r.Client.ID, Protected: protected, JKT: jkt,
		IP: r.From.Address(), UserAgent: r.From.UserAgent, Now: now, Window: s.config.RetryWindow,
		Reused: func(d models.Device) (*models.Reuse, models.MailWithLinks) {
			reuse := auth.NewReuse(d, r.From)
			return reuse, s.notify.ReusedMail(d, reuse, r.From, now)
		},
	})
	if err != nil {
		return Answer{}, 0, err
	}
	if result.Outcome == models.Unbound && jkt == "" {
		return Answer{}, 0, auth.Refuse(auth.KindInvalidProof, "The device is bound to a key: a DPoP proof is needed.")
	}
	if result.Outcome == models.Unauthenticated {
		return Answer{}, 0, client.ErrUnproven
	}
	if result.Outcome == models.Reused {
		s.notify.Wake()
	}
	if reason := RefusalReason(result.Outcome); reason != "" {
		return Answer{}, 0, auth.About(token.UserID, invalidGrant(reason, nil))
	}
	// Two simultaneous requests with one proof cause the same rotation, and only one of them gets the response.
	if err := proof.add(); err != nil {
		return Answer{}, 0, err
	}
	s.hasher.Refreshes.Note()
	if result.Outcome == models.Forked && result.Children <= ForkWarnAt {
		s.noteFork(ctx, result, r.From, now)
	}
	answer, err := s.Issue(ctx, result.Device, token.Secret, jkt)
	return answer, result.Outcome, err
}

// RefusalReason returns the reason of KindInvalidGrant for an outcome, or "" if the refresh succeeded.
func RefusalReason(o models.Outcome) string {
	switch o {
	case models.Rotated, models.Repeated, models.Forked, models.Restored:
		return ""
	case models.Reused:
		return ReasonReused
	case models.Revoked:
		return ReasonRevoked
	case models.Expired:
		return ReasonExpired
	case models.Idle:
		return ReasonIdle
	case models.RefreshLimit:
		return ReasonRefreshLimit
	case models.Unknown, models.Unbound, models.Unauthenticated: // Refresh has other errors for Unauthenticated, and for Unbound without a proof
	}
	return ReasonUnknownDevice
}

// The details of fork events. The third child of one base warns the owner. Later children of that base are not recorded, because
// the holder of one token could otherwise bury the owner's activity under them.
const (
	ForkDetail     = ""
	ForkWarnDetail = "third child"
	ForkWarnAt     = 3
)

// noteFork records a fork. This is the only event that is written on a best-effort basis: if the write fails, the refresh still succeeds,
// because an honest client whose response was lost must not be refused.
func (s *Service) noteFork(ctx context.Context, r models.RotateResult, from auth.Caller, now time.Time) {
	e := auth.Limited(auth.NewEvent(models.EventDeviceForked, r.Device.UserID, from, now), ratelimit.DeviceForkLimit, ratelimit.ForkLimit)
	e.Actor, e.DeviceName = models.ActorSystem, r.Device.Name
	e.DeviceID = uuid.NullUUID{UUID: r.Device.ID, Valid: true}
	if r.Children == ForkWarnAt {
		e.Detail = ForkWarnDetail
	}
	if err := s.store.AddEvent(ctx, e); err != nil && !errors.Is(err, models.ErrLimit) {
		s.log.WarnContext(ctx, "a fork could not be recorded", "device", r.Device.ID, "error", err)
	}
}

func invalidGrant(reason string, cause error) error {
	messages := map[string]string{
		ReasonMalformed:     "The refresh token is malformed.",
		ReasonUnknownDevice: "The refresh token belongs to no device of this client.",
		ReasonRevoked:       "The device was signed out.",
		ReasonReused:        "The refresh token was used before: it may have been copied, and the device was signed out.",
		ReasonExpired:       "The device has reached its absolute lifetime.",
		ReasonIdle:          "The device was not seen for too long.",
		ReasonRefreshLimit:  "The device has reached its number of refreshes.",
	}
	return &auth.Error{Kind: auth.KindInvalidGrant, Reason: reason, Message: messages[reason], Cause: cause}
}

// Issue makes the tokens of a device in its current state. The access token is bound to the key that the request proved, if any,
// even if the device is not bound to one.
func (s *Service) Issue(ctx context.Context, d models.Device, secret [devicetoken.SecretSize]byte, jkt string) (Answer, error) {
	access, life, err := s.MintAccess(ctx, d, jkt)
	if err != nil {
		return Answer{}, fmt.Errorf("sign access token: %w", err)
	}
	kind := "Bearer"
	if jkt != "" {
		kind = "DPoP"
	}
	return Answer{
		AccessToken: access, TokenType: kind, ExpiresIn: life, RefreshIn: refreshIn(life),
		RefreshToken: s.codec.Mint(devicetoken.Token{UserID: d.UserID, DeviceID: d.ID, Generation: d.Generation, Secret: secret}),
		DeviceID:     d.ID, DeviceName: d.Name, Scope: d.Scope,
	}, nil
}

// Revoke signs out the device that a device token or an access token was issued to (RFC 7009). It takes access tokens of any scope; to do
// the same at /api/devices/current, a token with a scope claim needs client.OwnDevicesWrite. An unknown token is not an error (§2.2), and
// neither is a bound access token without a valid proof. Revoke returns KindUseNonce if the owner's proof lacks only the nonce,
// KindRateLimited if the owner sent too many proofs, KindInvalidClient if the device's client must authenticate, and KindInvalidGrant if
// the request authenticated as another client (§2.1).
func (s *Service) Revoke(ctx context.Context, r RefreshRequest) error {
	token, err := s.codec.Parse(r.Token)
	if err != nil {
		return s.revokeByAccessToken(ctx, r)
	}
	e := auth.NewEvent(models.EventSignOut, token.UserID, r.From, s.clock.Now())
	e.Detail = string(models.RevokedBySignOut)
	protected, err := s.clients.Protected(ctx, r.Client)
	if err != nil {
		return err
	}
	err = s.store.RevokeBySecret(ctx, models.DeviceKey{UserID: token.UserID, ID: token.DeviceID}, devicetoken.SecretHash(token.Secret),
		r.Client.Proven(), protected, e)
	switch {
	case errors.Is(err, models.ErrProtected):
		return client.ErrUnproven
	case errors.Is(err, models.ErrOtherClient):
		return errOtherClient
	}
	return err
}

var errOtherClient = auth.Refuse(auth.KindInvalidGrant, "The token belongs to another client.")

func (s *Service) revokeByAccessToken(ctx context.Context, r RefreshRequest) error {
	claims, err := s.Verify(r.Token)
	if err != nil {
		return nil // an unknown token
	}
	protected, err := s.clients.Protected(ctx, r.Client)
	switch {
	case err != nil:
		return err
	case slices.Contains(protected, claims.ClientID):
		return client.ErrUnproven
	case r.Client.Proven() != "" && r.Client.Proven() != claims.ClientID:
		return errOtherClient
	}
	if claims.Cnf != nil {
		jkt, proof, err := s.CheckProof(r.Proof, claims.Subject, dpop.Request{AccessToken: r.Token, TokenInBody: true})
		if jkt != claims.Cnf.JKT {
			return nil // not the owner's proof
		}
		if err == nil {
			err = proof.Consume()
		}
		if err != nil {
			if auth.AsError(err).Kind == auth.KindInvalidProof {
				return nil
			}
			return err
		}
	}
	err = s.revokeOwn(ctx, claims, r.From)
	if err != nil && auth.AsError(err).Kind == auth.KindInvalidToken { // its device was signed out already
		return nil
	}
	return err
}

// revokeOwn signs out the device that an access token was issued to.
func (s *Service) revokeOwn(ctx context.Context, c *Claims, from auth.Caller) error {
	d, err := s.OwnDevice(ctx, c)
	if err != nil {
		return err
	}
	e := auth.NewEvent(models.EventSignOut, d.UserID, from, s.clock.Now())
	e.Detail = string(models.RevokedBySignOut)
	_, _, err = s.store.RevokeDevice(ctx, models.DeviceKey{UserID: d.UserID, ID: d.ID}, e)
	return err
}

// OwnDevice returns the live app that an access token was issued to, or ErrDeviceGone.
func (s *Service) OwnDevice(ctx context.Context, c *Claims) (models.Device, error) {
	user, own, err := c.Key()
	if err != nil {
		return models.Device{}, err
	}
	d, err := s.store.LiveDevice(ctx, user, own, s.idle.Live(s.clock.Now()))
	if errors.Is(err, models.ErrNotFound) || err == nil && d.Kind != models.KindApp {
		return d, ErrDeviceGone
	}
	return d, err
}
