package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// DeviceRequest is a device authorization request (RFC 8628 §3.1).
type DeviceRequest struct {
	Client     client.Identity
	Scope      string
	DeviceName string      // that the app suggests; empty: none
	Proof      token.Proof // binds the code to its key, if there is one
	From       auth.Caller
}

// DeviceCodes is the answer to a device authorization request (RFC 8628 §3.2), without its addresses.
type DeviceCodes struct {
	DeviceCode string
	UserCode   string // WDJB-MJHT
	ExpiresIn  int64  // seconds
	Interval   int64  // seconds
}

// keptRequest is what a device code keeps until it is answered. It is sealed in its row; its field names are stored.
type keptRequest struct {
	Scope   []string `json:",omitempty"`
	Name    string   `json:",omitempty"` // that the app suggests
	JKT     string   `json:",omitempty"`
	Address string   `json:",omitempty"`
	Agent   string   `json:",omitempty"`
}

// Start gives an app without a browser a code that a person can approve elsewhere. It returns KindUnauthorizedClient for a client
// without the device grant; KindInvalidClient for one that is not registered; KindInvalidRequest; a *Refusal with invalid_scope;
// KindInvalidProof or KindUseNonce for the proof; KindRateLimited past MaxNetDeviceCodes; and KindUnavailable past MaxDeviceCodes.
func (s *Devices) Start(ctx context.Context, r DeviceRequest) (DeviceCodes, error) {
	kept, err := s.checkDevice(ctx, r)
	if err != nil {
		return DeviceCodes{}, err
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return DeviceCodes{}, fmt.Errorf("keep a device authorization request: %w", err)
	}
	now := s.clock.Now()
	for range 3 { // a user code may be taken
		code, user := s.newDeviceCode(now.Add(DeviceCodeLife)), newUserCode()
		hash := codeHash(code)
		row := models.DeviceCode{
			Hash: hash, UserCode: userCodeHash(s.codeKeys[0], user), Network: s.limits.NetworkOrigin(r.From), ClientID: r.Client.ID, Data: s.sealer.Seal(deviceRow(hash), data),
			CreatedAt: now, ExpiresAt: now.Add(DeviceCodeLife), Pause: PollPause.Microseconds(),
		}
		err = s.gate.Query(ctx, func() error {
			return s.store.AddDeviceCode(ctx, row, models.CodeBounds{All: MaxDeviceCodes, Network: MaxNetDeviceCodes})
		})
		if err == nil {
			return DeviceCodes{code, FormatUserCode(user), int64(DeviceCodeLife / time.Second), int64(PollPause / time.Second)}, nil
		}
		if !errors.Is(err, models.ErrDuplicate) {
			break
		}
	}
	switch {
	case errors.Is(err, models.ErrTooManyNetworkCodes):
		err = auth.RateLimited("device_codes_network", time.Minute)
	case errors.Is(err, models.ErrTooManyCodes):
		err = &auth.Error{Kind: auth.KindUnavailable, Message: "Too many devices are waiting to be signed in right now.", RetryAfter: time.Minute, Limit: "device_codes", Cause: err}
	}
	return DeviceCodes{}, err
}

// checkDevice checks everything about a request but the bounds.
func (s *Devices) checkDevice(ctx context.Context, r DeviceRequest) (kept keptRequest, err error) {
	if err := s.checkDeviceClient(ctx, r.Client); err != nil {
		return kept, err
	}
	var bad auth.Fields
	bad.Refuse("scope", auth.ProblemWithText(r.Scope, MaxRequest))
	if r.DeviceName != "" {
		name, problem := auth.DeviceName(r.DeviceName)
		bad.Refuse("device_name", problem)
		kept.Name = name
	}
	if err := bad.Err(); err != nil {
		return kept, err
	}
	var q Request
	if err := checkScope(&q, map[string]string{"scope": r.Scope}); err != nil {
		return kept, err
	}
	jkt, err := s.checkKey(r.Proof, r.Client.ID)
	kept.Scope, kept.JKT, kept.Address, kept.Agent = q.Scope, jkt, r.From.Address(), r.From.UserAgent
	return kept, err
}

// checkKey checks and consumes the proof of a request that names no account yet, and returns the thumbprint of its key.
func (s *Devices) checkKey(p token.Proof, presenter string) (jkt string, err error) {
	jkt, proof, err := s.tokens.CheckProof(p, presenter, dpop.Request{})
	switch {
	case err != nil:
		return "", err
	case jkt == "" && s.signIn.RequiresKey():
		return "", errNeedsKey
	}
	return jkt, proof.Consume()
}

// checkDeviceClient checks that a request names a client whose people may approve it elsewhere, and that it authenticated if it is confidential.
func (s *Devices) checkDeviceClient(ctx context.Context, who client.Identity) error {
	if who.ID == "" {
		return errNoClientID
	}
	c, ok, err := s.clients.Registered(ctx, who.ID, func(c models.Client) bool { return c.DeviceGrant })
	switch {
	case err != nil:
		return err
	case !ok && c.ID == "":
		return errUnknownClient
	case !ok:
		return auth.Refuse(auth.KindUnauthorizedClient, "This client is not registered for the device grant.")
	case c.Confidential() && who.Proven() != c.ID: // it was made confidential a moment ago
		return client.ErrUnproven
	}
	return nil
}
