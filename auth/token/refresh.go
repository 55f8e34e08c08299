package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// The reasons of KindInvalidGrant, as the API names them.
const (
	ReasonMalformed     = "malformed"
	ReasonUnknownDevice = "unknown_device"
	ReasonRevoked       = "revoked"
	ReasonReused        = "reused"
	ReasonExpired       = "expired"
	ReasonIdle          = "idle"
	ReasonRefreshLimit  = "refresh_limit"
)

// Answer is what a sign-in and a refresh give (RFC 6749 §5.1, and what this API adds). Times are in seconds.
type Answer struct {
	AccessToken  string    `json:"access_token"`
	TokenType    string    `json:"token_type"`
	ExpiresIn    int64     `json:"expires_in"`
	RefreshToken string    `json:"refresh_token"`
	RefreshIn    int64     `json:"refresh_in"` // when to refresh: jittered, and before expires_in
	DeviceID     uuid.UUID `json:"device_id"`
	DeviceName   string    `json:"device_name"`
}

// RefreshRequest presents a device token.
type RefreshRequest struct {
	Token    string
	ClientID string // when given, it must be the device's
	Proof    Proof  // must be of the device's key, when the device is bound to one
	From     auth.Caller
}

// Refresh judges a device token by the fork rule (models.RotateDevice) and answers with its successor. Refusals are
// KindInvalidGrant, which always means "sign in again", with a reason; anything else consumed nothing, and the same
// token may be presented again. Garbage is refused without a query.
func (s *Service) Refresh(ctx context.Context, r RefreshRequest) (Answer, error) {
	if problem := auth.ProblemWithText(r.ClientID, auth.MaxClientID); problem != "" {
		return Answer{}, auth.InvalidField("client_id", problem)
	}
	token, err := s.codec.Parse(r.Token)
	if err != nil {
		return Answer{}, invalidGrant(ReasonMalformed, err)
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return Answer{}, err // before the token is used: an answer could not be signed
	}
	jkt, proof, err := s.CheckProof(r.Proof, token.UserID.String(), dpop.Request{})
	if err == nil {
		err = proof.fresh()
	}
	if err != nil {
		return Answer{}, err
	}
	now := s.clock.Now()
	result, err := s.store.RotateDevice(ctx, models.Rotation{
		Key:        models.DeviceKey{UserID: token.UserID, ID: token.DeviceID},
		SecretHash: devicetoken.SecretHash(token.Secret), Generation: token.Generation, ClientID: r.ClientID, JKT: jkt,
		IP: r.From.Address(), NetworkUnknown: r.From.NetworkUnknown, UserAgent: r.From.UserAgent, Now: now, Window: s.config.RetryWindow, IdleSince: now.Add(-s.idle.App),
		Reused: s.notify.ReusedMail(r.From, now),
	})
	if err != nil {
		return Answer{}, err
	}
	if result.Outcome == models.Unbound && jkt == "" {
		return Answer{}, auth.Refuse(auth.KindInvalidProof, "The device is bound to a key: a DPoP proof is needed.")
	}
	if result.Outcome == models.Reused {
		s.notify.Wake()
	}
	if reason := RefusalReason(result.Outcome); reason != "" {
		return Answer{}, invalidGrant(reason, nil)
	}
	// Of two that present one proof at the same moment, one gets the answer, to one and the same rotation.
	if err := proof.add(); err != nil {
		return Answer{}, err
	}
	s.hasher.Refreshes.Note()
	if result.Outcome == models.Forked && result.Children <= ForkWarnAt {
		s.noteFork(ctx, result, r.From, now)
	}
	return s.Issue(ctx, result.Device, token.Secret, jkt)
}

// RefusalReason is the reason of KindInvalidGrant for an outcome, "" for one that is no refusal.
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
	case models.Unknown, models.Unbound:
	}
	return ReasonUnknownDevice
}

// What tells forks apart in the activity: the third child of one base warns the owner. Later children of that base are
// not recorded, or whoever holds one token could bury the owner's activity under them.
const (
	ForkDetail     = ""
	ForkWarnDetail = "third child"
	ForkWarnAt     = 3
)

// noteFork records a fork. It is the one event that is written on a best effort: an honest client whose answer was
// lost must not be kept waiting for it, or refused.
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

// Issue makes the tokens of a device as it is now. The access token is bound to the key that was proven, if any, also
// that of a device that is not bound itself.
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
		DeviceID:     d.ID, DeviceName: d.Name,
	}, nil
}

// Revoke signs out the device of a device token, or the own device of an access token (RFC 7009): the same that an access token may do
// at /api/devices/current. A token that means nothing here is no error (§2.2), and neither is a bound access token without its
// proof. KindUseNonce is an error: the proof is the owner's, and lacks only the nonce.
func (s *Service) Revoke(ctx context.Context, r RefreshRequest) error {
	token, err := s.codec.Parse(r.Token)
	if err != nil {
		return s.revokeByAccessToken(ctx, r)
	}
	e := auth.NewEvent(models.EventSignOut, token.UserID, r.From, s.clock.Now())
	e.Detail = string(models.RevokedBySignOut)
	return s.store.RevokeBySecret(ctx, models.DeviceKey{UserID: token.UserID, ID: token.DeviceID}, devicetoken.SecretHash(token.Secret), e)
}

func (s *Service) revokeByAccessToken(ctx context.Context, r RefreshRequest) error {
	claims, err := s.Verify(r.Token)
	if err != nil {
		return nil // it means nothing here
	}
	if claims.Cnf != nil {
		jkt, proof, err := s.CheckProof(r.Proof, claims.Subject, dpop.Request{AccessToken: r.Token, TokenInBody: true})
		if jkt != claims.Cnf.JKT {
			return nil // not its proof
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
	if err != nil && auth.AsError(err).Kind == auth.KindInvalidToken { // its device is out already
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

// OwnDevice finds the live app that an access token was issued to, or returns KindInvalidToken.
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
