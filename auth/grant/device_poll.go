package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/token"
	"latchkey/models"
)

// DevicePoll asks for the tokens of a device code (RFC 8628 §3.4).
type DevicePoll struct {
	Code   string
	Client client.Identity
	Proof  token.Proof // binds the device to its key, if there is one
	From   auth.Caller

	Installation auth.SentInstallation
}

// errDevice refuses a device code. One message for every reason: who holds a code without the rest learns nothing more.
func errDevice(cause error) error {
	return &auth.Error{
		Kind:    auth.KindInvalidGrant,
		Message: "The device code is unknown or used, or client_id or the DPoP key are not those that it was given for.", Cause: cause,
	}
}

// The refusals of RFC 8628 §3.5 that say more than invalid_grant.
var (
	errPending = &Refusal{Code: "authorization_pending", Description: "No one has approved or denied the code yet: ask again after the interval."}
	errDenied  = &Refusal{Code: "access_denied", Description: "The person declined."}
	errExpired = &Refusal{Code: "expired_token", Description: "The device code has expired: start again."}
	// errWithdrawn: the account was disabled, its password has changed or the approving browser was signed out since the approval.
	errWithdrawn = &Refusal{Code: "access_denied", Description: "The approval does not hold any more: start again."}
)

// Poll makes the device that a device code stands for, and its first tokens, once a person has approved the code. Within a minute
// the same code gets the same device again, from the same address or with the device's key, until that device has refreshed: see again.
// Until there is an approval a poll costs one statement, an UPDATE by primary key; a code that is not ours, or is too old, costs none.
//
// It returns a *Refusal with authorization_pending, slow_down, access_denied or expired_token (RFC 8628 §3.5); KindInvalidGrant;
// KindUnauthorizedClient for a client without the device grant; KindInvalidClient if it is not registered; KindInvalidRequest without a
// client_id; KindInvalidProof or KindUseNonce for the proof; KindTooManyDevices as Redeem does, KindRateLimited or KindUnavailable.
func (s *Devices) Poll(ctx context.Context, p DevicePoll) (token.Answer, error) {
	if err := s.checkDeviceClient(ctx, p.Client); err != nil {
		return token.Answer{}, err
	}
	installed, err := s.readInstallation(p.Installation)
	if err != nil {
		return token.Answer{}, err
	}
	end, ok := s.readDeviceCode(p.Code)
	if !ok {
		return token.Answer{}, errDevice(errors.New("not ours"))
	}
	now := s.clock.Now()
	if now.After(end.Add(CodeLife)) { // until then a lost answer is given again
		return token.Answer{}, errExpired
	}
	hash := codeHash(p.Code)
	jkt, err := s.checkKey(p.Proof, fmt.Sprintf("device %x", hash))
	if err != nil {
		return token.Answer{}, err
	}
	p.From.JKT = jkt
	row, kept, err := s.pollRow(ctx, p, hash)
	switch {
	case err != nil:
		return token.Answer{}, err
	case kept.JKT != "" && jkt == "":
		return token.Answer{}, auth.Refuse(auth.KindInvalidProof, "The device code is bound to a key: a DPoP proof is needed.")
	case kept.JKT != "" && kept.JKT != jkt:
		return token.Answer{}, errDevice(errors.New("another key"))
	case row.Answer == models.DeviceDenied:
		return token.Answer{}, errDenied
	case row.Answer != models.DeviceApproved && !now.Before(row.ExpiresAt):
		return token.Answer{}, errExpired
	case row.Answer != models.DeviceApproved && row.Early:
		return token.Answer{}, &Refusal{Code: "slow_down", Description: fmt.Sprintf("Ask every %d seconds.", row.Pause/1e6)}
	case row.Answer != models.DeviceApproved:
		return token.Answer{}, errPending
	}
	return s.exchange(ctx, presented{
		code: p.Code, purpose: models.PurposeDeviceCode, from: p.From, installed: installed, refuse: errDevice, ended: func(error) error { return errWithdrawn },
		find: func() (models.Challenge, keptCode, error) {
			approval, kept, err := s.kept(ctx, models.PurposeDeviceCode, hash)
			if errors.Is(err, models.ErrNotFound) {
				err = s.noApproval(ctx, row)
			}
			return approval, kept, err
		},
	})
}

// noApproval says why there is nothing to get for a code that was approved.
func (s *Devices) noApproval(ctx context.Context, row models.DeviceCode) error {
	used, err := s.store.ChallengeUsed(ctx, models.PurposeDeviceCode, row.Hash)
	switch {
	case err != nil:
		return err
	case used:
		return errDevice(errors.New("used more than a minute ago"))
	case !s.clock.Now().Before(row.ExpiresAt):
		return errExpired
	}
	return errWithdrawn
}

// poll notes a poll and returns the code, with what was requested.
func (s *Devices) pollRow(ctx context.Context, p DevicePoll, hash []byte) (row models.DeviceCode, kept keptRequest, err error) {
	err = s.gate.Query(ctx, func() error {
		row, err = s.store.PollDeviceCode(ctx, models.CodePoll{Hash: hash, ClientID: p.Client.ID, At: s.clock.Now(), Leeway: pollLeeway, Longer: PollPause})
		return err
	})
	if err == nil {
		kept, err = s.openRequest(row)
	}
	if errors.Is(err, models.ErrNotFound) {
		err = errDevice(err)
	}
	return row, kept, err
}

// openRequest opens what a device code keeps. It returns models.ErrNotFound for what was sealed under a secret that we no longer know.
func (s *Devices) openRequest(row models.DeviceCode) (kept keptRequest, err error) {
	data, _, err := s.sealer.Open(deviceRow(row.Hash), row.Data)
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil {
		err = errors.Join(models.ErrNotFound, err)
	}
	return kept, err
}
