package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
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

// TokenAnswer is what a sign-in and a refresh give (RFC 6749 §5.1, and what this API adds). Times are in seconds.
type TokenAnswer struct {
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
	From     Caller
}

// Refresh judges a device token by the fork rule (models.RotateDevice) and answers with its successor. Refusals are
// KindInvalidGrant, which always means "sign in again", with a reason; anything else consumed nothing, and the same
// token may be presented again. Garbage is refused without a query.
func (s *Service) Refresh(ctx context.Context, r RefreshRequest) (TokenAnswer, error) {
	if problem := problemWithText(r.ClientID, maxClientID); problem != "" {
		return TokenAnswer{}, invalidField("client_id", problem)
	}
	token, err := s.tokens.Parse(r.Token)
	if err != nil {
		return TokenAnswer{}, invalidGrant(ReasonMalformed, err)
	}
	if _, err := s.signingKey(ctx); err != nil {
		return TokenAnswer{}, err // before the token is used: an answer could not be signed
	}
	jkt, proof, err := s.checkProof(r.Proof, token.UserID.String(), dpop.Request{})
	if err == nil {
		err = proof.fresh()
	}
	if err != nil {
		return TokenAnswer{}, err
	}
	now := s.now()
	result, err := s.store.RotateDevice(ctx, models.Rotation{
		Key:        models.DeviceKey{UserID: token.UserID, ID: token.DeviceID},
		SecretHash: devicetoken.SecretHash(token.Secret), Generation: token.Generation, ClientID: r.ClientID, JKT: jkt,
		IP: r.From.address(), NetworkUnknown: r.From.NetworkUnknown, UserAgent: r.From.UserAgent, Now: now, Window: s.RetryWindow, IdleSince: now.Add(-s.DeviceIdle),
		Reused: s.reusedNotice(r.From, now),
	})
	if err != nil {
		return TokenAnswer{}, err
	}
	if result.Outcome == models.Unbound && jkt == "" {
		return TokenAnswer{}, refuse(KindInvalidProof, "The device is bound to a key: a DPoP proof is needed.")
	}
	if result.Outcome == models.Reused {
		s.kickMail()
	}
	if reason := refusalReason(result.Outcome); reason != "" {
		return TokenAnswer{}, invalidGrant(reason, nil)
	}
	// Of two that present one proof at the same moment, one gets the answer, to one and the same rotation.
	if err := proof.add(); err != nil {
		return TokenAnswer{}, err
	}
	s.hasher.refreshes.note()
	if result.Outcome == models.Forked && result.Children <= forkWarnAt {
		s.noteFork(ctx, result, r.From, now)
	}
	return s.answer(ctx, result.Device, token.Secret, jkt)
}

func refusalReason(o models.Outcome) string {
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
	forkWarnAt     = 3
)

// noteFork records a fork. It is the one event that is written on a best effort: an honest client whose answer was
// lost must not be kept waiting for it, or refused.
func (s *Service) noteFork(ctx context.Context, r models.RotateResult, from Caller, now time.Time) {
	e := limited(s.event(models.EventDeviceForked, r.Device.UserID, from, now), deviceForkLimit, forkLimit)
	e.Actor, e.DeviceName = models.ActorSystem, r.Device.Name
	e.DeviceID = uuid.NullUUID{UUID: r.Device.ID, Valid: true}
	if r.Children == forkWarnAt {
		e.Detail = ForkWarnDetail
	}
	if err := s.store.AddEvent(ctx, e); err != nil && !errors.Is(err, models.ErrLimit) {
		s.Logger.WarnContext(ctx, "a fork could not be recorded", "device", r.Device.ID, "error", err)
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
	return &Error{Kind: KindInvalidGrant, Reason: reason, Message: messages[reason], Cause: cause}
}

// answer makes the tokens of a device as it is now. The access token is bound to the key that was proven, if any, also
// that of a device that is not bound itself.
func (s *Service) answer(ctx context.Context, d models.Device, secret [devicetoken.SecretSize]byte, jkt string) (TokenAnswer, error) {
	access, life, err := s.mintAccessToken(ctx, d, jkt)
	if err != nil {
		return TokenAnswer{}, fmt.Errorf("sign access token: %w", err)
	}
	kind := "Bearer"
	if jkt != "" {
		kind = "DPoP"
	}
	return TokenAnswer{
		AccessToken: access, TokenType: kind, ExpiresIn: life, RefreshIn: refreshIn(life),
		RefreshToken: s.tokens.Mint(devicetoken.Token{UserID: d.UserID, DeviceID: d.ID, Generation: d.Generation, Secret: secret}),
		DeviceID:     d.ID, DeviceName: d.Name,
	}, nil
}

// Revoke signs out the device of a device token, or the own device of an access token (RFC 7009): the same that an access token may do
// at /api/devices/current. A token that means nothing here is no error (§2.2), and neither is a bound access token without its
// proof. KindUseNonce is an error: the proof is the owner's, and lacks only the nonce.
func (s *Service) Revoke(ctx context.Context, r RefreshRequest) error {
	token, err := s.tokens.Parse(r.Token)
	if err != nil {
		return s.revokeByAccessToken(ctx, r)
	}
	e := s.event(models.EventSignOut, token.UserID, r.From, s.now())
	e.Detail = string(models.RevokedBySignOut)
	return s.store.RevokeBySecret(ctx, models.DeviceKey{UserID: token.UserID, ID: token.DeviceID}, devicetoken.SecretHash(token.Secret), e)
}

func (s *Service) revokeByAccessToken(ctx context.Context, r RefreshRequest) error {
	claims, err := s.VerifyAccessToken(r.Token)
	if err != nil {
		return nil // it means nothing here
	}
	if claims.Cnf != nil {
		jkt, proof, err := s.checkProof(r.Proof, claims.Subject, dpop.Request{AccessToken: r.Token, TokenInBody: true})
		if jkt != claims.Cnf.JKT {
			return nil // not its proof
		}
		if err == nil {
			err = proof.once()
		}
		if err != nil {
			if AsError(err).Kind == KindInvalidProof {
				return nil
			}
			return err
		}
	}
	err = s.RevokeByToken(ctx, TokenAct{Claims: claims, ID: "current", From: r.From})
	if err != nil && AsError(err).Kind == KindInvalidToken { // its device is out already
		return nil
	}
	return err
}
