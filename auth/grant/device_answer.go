package grant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// DeviceState says what has become of a device code.
type DeviceState int

// The states.
const (
	DeviceWaits   DeviceState = iota // for the person's answer
	DeviceDone                       // this account approved it
	DeviceDenied                     // by a person who typed the code
	DeviceUsed                       // another account approved it, or this one long ago
	DeviceExpired                    // it took too long, or its client was removed
)

// DeviceAsk is what a person is asked about a device code that they entered.
type DeviceAsk struct {
	State    DeviceState
	UserCode string // as the device shows it
	Sealed   string // for the page: only this account can answer with it
	// Of a code that waits for the answer:
	Client         models.Client
	Scope          []string
	DeviceName     string // that the app suggests; empty: none
	Address, Agent string // where the request came from, and by what program
	At             time.Time
}

// askedOf is what a page keeps of a code. It is sealed; its field names are stored for DeviceCodeLife.
type askedOf struct {
	Hash []byte
	Code string // of the person
	User uuid.UUID
}

var deviceAskRow = []byte("device page\x00")

var errUserCode = auth.InvalidField("user_code", "We don’t know this code, or it has expired. Compare it with the code on your device, or start again there.")

// Find finds the device code that waits under a user code, and returns the text that names it on pages for this account. Each look
// counts under the limits of the account and of its network. It returns KindInvalidRequest of user_code for every code that does not
// wait, unknown, expired or answered, and KindRateLimited.
func (s *Devices) Find(ctx context.Context, by *browser.Session, typed string, from auth.Caller) (sealed string, err error) {
	code, ok := readUserCode(typed)
	if !ok {
		return "", errUserCode
	}
	err = s.limits.CountRequest(ctx, s.limits.Quota(ratelimit.MaxUserCodes, "user codes of", by.User.ID.String()),
		s.limits.NetworkQuota(from, ratelimit.MaxNetUserCodes, "user codes"))
	if err != nil {
		return "", err
	}
	var row models.DeviceCode
	for _, key := range s.codeKeys { // another replica may have another secret while it changes
		if row, err = s.store.WaitingDeviceCode(ctx, userCodeHash(key, code), s.clock.Now()); !errors.Is(err, models.ErrNotFound) {
			break
		}
	}
	if errors.Is(err, models.ErrNotFound) {
		return "", errUserCode
	}
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(askedOf{row.Hash, code, by.User.ID})
	if err != nil {
		return "", fmt.Errorf("seal a device code: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(deviceAskRow, text)), nil
}

var errNoDevice = &auth.Error{Kind: auth.KindDeadLink, Message: "Enter the code from your device again."}

// openAsk opens what Find returned to this account.
func (s *Devices) openAsk(by *browser.Session, sealed string) (a askedOf, err error) {
	if len(sealed) > maxSealed {
		return a, errNoDevice
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return a, errNoDevice // the cause would repeat the text
	}
	text, _, err := s.sealer.Open(deviceAskRow, raw)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err == nil && a.User != by.User.ID {
		err = errors.New("of another account")
	}
	if err != nil {
		return a, &auth.Error{Kind: errNoDevice.Kind, Message: errNoDevice.Message, Cause: err}
	}
	return a, nil
}

// Ask returns what to ask about a code that Find found, or what has become of it since. It returns KindDeadLink for a text
// that Find did not return to this account.
func (s *Devices) Ask(ctx context.Context, by *browser.Session, sealed string) (ask DeviceAsk, err error) {
	a, err := s.openAsk(by, sealed)
	if err != nil {
		return ask, err
	}
	ask.UserCode, ask.Sealed = FormatUserCode(a.Code), sealed
	row, err := s.store.DeviceCode(ctx, a.Hash)
	if errors.Is(err, models.ErrNotFound) { // swept
		ask.State = DeviceExpired
		return ask, nil
	}
	if err != nil {
		return ask, err
	}
	if ask.State, err = s.stateOf(ctx, by, row); err != nil || ask.State != DeviceWaits {
		return ask, err
	}
	kept, err := s.openRequest(row)
	if err != nil {
		return ask, err
	}
	c, ok, err := s.clients.Registered(ctx, row.ClientID, func(c models.Client) bool { return c.DeviceGrant })
	if err == nil && !ok { // the operator removed it since
		ask.State = DeviceExpired
	}
	ask.Client, ask.Scope, ask.DeviceName, ask.Address, ask.Agent, ask.At = c, kept.Scope, kept.Name, kept.Address, kept.Agent, row.CreatedAt
	return ask, err
}

func (s *Devices) stateOf(ctx context.Context, by *browser.Session, row models.DeviceCode) (DeviceState, error) {
	switch row.Answer {
	case models.DeviceDenied:
		return DeviceDenied, nil
	case models.DeviceApproved:
		approval, err := s.store.FindChallenge(ctx, models.PurposeDeviceCode, row.Hash, s.clock.Now())
		if errors.Is(err, models.ErrNotFound) || err == nil && approval.UserID != by.User.ID {
			return DeviceUsed, nil
		}
		return DeviceDone, err
	case models.DeviceWaits:
	}
	if !s.clock.Now().Before(row.ExpiresAt) {
		return DeviceExpired, nil
	}
	return DeviceWaits, nil
}

// DeviceApproval is a person's approval of a device code.
type DeviceApproval struct {
	Sealed       string // DeviceAsk.Sealed
	DeviceName   string
	Replace      string               // as of Approval
	Confirmation confirm.Confirmation // always needed: who reads a code to someone must not gain from their open session (RFC 10027)
	From         auth.Caller
}

// Approve lets the device sign in. The same approval, sent twice, is no error. It returns the errors of Ask, KindDeadLink for a
// code that was answered or expired since (Ask says which), KindInvalidRequest of device_name, of replace and of the confirmation's
// fields, KindTooManyDevices where no device can make room, the other errors of confirm.Act, and KindRateLimited after too many codes.
func (s *Devices) Approve(ctx context.Context, by *browser.Session, a DeviceApproval) error {
	ask, err := s.Ask(ctx, by, a.Sealed)
	switch {
	case err != nil:
		return err
	case ask.State == DeviceDone:
		return nil
	case ask.State != DeviceWaits:
		return errNoDevice
	}
	var bad auth.Fields
	name, problem := auth.DeviceName(a.DeviceName)
	bad.Refuse("device_name", problem)
	leave, err := s.makesRoom(ctx, &bad, by, ask.Client.ID, a.Replace)
	if err != nil {
		return err
	}
	a.Confirmation.CheckForm(&bad, by.User)
	if err := bad.Err(); err != nil {
		return err
	}
	asked, err := s.openAsk(by, a.Sealed)
	if err != nil {
		return err
	}
	err = s.confirm.Act(ctx, by, a.Confirmation, func(p models.Proof) error {
		err := s.approve(ctx, by, asked.Hash, given{name: name, leave: leave, proof: p, proved: s.clock.Now(), from: a.From})
		if errors.Is(err, models.ErrNotFound) {
			return &auth.Error{Kind: errNoDevice.Kind, Message: errNoDevice.Message, Cause: err}
		}
		return err
	})
	if err != nil { // the same form may have come twice at once
		if ask, again := s.Ask(ctx, by, a.Sealed); again == nil && ask.State == DeviceDone {
			return nil
		}
	}
	return err
}

func (s *Devices) approve(ctx context.Context, by *browser.Session, hash []byte, g given) error {
	row, err := s.store.DeviceCode(ctx, hash)
	if err != nil {
		return err
	}
	kept, err := s.openRequest(row)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	data, err := json.Marshal(keptCode{
		ClientID: row.ClientID, JKT: kept.JKT, Scope: kept.Scope, Name: g.name, Leave: g.leave, Agent: g.from.UserAgent, Browser: by.Device.ID,
		Verified: g.proof.Verified, Version: g.proof.Version, ProvedBy: g.proof.Method, ProvedAt: g.proved,
	})
	if err != nil {
		return fmt.Errorf("keep an approval: %w", err)
	}
	return s.addCode(ctx, models.NewCode{
		Code: models.Challenge{
			Hash: hash, UserID: by.User.ID, Purpose: models.PurposeDeviceCode, Data: s.sealer.Seal(codeRow(hash), data), CreatedAt: now, ExpiresAt: row.ExpiresAt,
		},
		Device: hash, Proof: g.proof, Spend: s.limits.GrantBudget(by.User.ID),
	})
}

// Deny denies the device. It returns KindDeadLink for a code that was answered or expired since, and for a text that Find did
// not return to this account.
func (s *Devices) Deny(ctx context.Context, by *browser.Session, sealed string) error {
	a, err := s.openAsk(by, sealed)
	if err != nil {
		return err
	}
	err = s.store.DenyDeviceCode(ctx, a.Hash, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return &auth.Error{Kind: errNoDevice.Kind, Message: errNoDevice.Message, Cause: err}
	}
	return err
}
