package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// Credential is the server's side of a passkey. ID, SignCount and BackedUp have columns of their own in the database; the rest never
// changes, and Record encodes it.
type Credential struct {
	ID        []byte // at most 1,023 bytes
	SignCount int64  // zero for synced passkeys: they do not count
	BackedUp  bool   // a copy exists elsewhere

	PublicKey      []byte // COSE_Key (RFC 9052)
	AAGUID         [16]byte
	Attestation    string   // format of the attestation statement; it was checked, and is trusted for nothing
	Transports     []string // where a browser finds the authenticator
	BackupEligible bool     // it can be copied; fixed for life
}

// Synced reports whether a passkey is copied to the other devices of its owner. The others are bound to one device.
func Synced(c Credential) bool { return c.BackupEligible }

const recordVersion = 1

// record is the stored JSON of a Credential.
type record struct {
	Version        int       `json:"v"`
	PublicKey      []byte    `json:"public_key"`
	AAGUID         uuid.UUID `json:"aaguid"`
	Attestation    string    `json:"attestation"`
	Transports     []string  `json:"transports,omitempty"`
	BackupEligible bool      `json:"backup_eligible"`
}

// Record encodes what never changes of a credential, for the database. FromRecord reads it.
func (c Credential) Record() ([]byte, error) {
	encoded, err := json.Marshal(record{recordVersion, c.PublicKey, c.AAGUID, c.Attestation, c.Transports, c.BackupEligible})
	if err != nil {
		return nil, fmt.Errorf("encoding a passkey: %w", err)
	}
	return encoded, nil
}

// FromRecord puts a credential together from what the database has of it. It fails for records of a version that it does not know.
func FromRecord(id, encoded []byte, signCount int64, backedUp bool) (Credential, error) {
	var r record
	if err := json.Unmarshal(encoded, &r); err != nil {
		return Credential{}, errors.New("decoding a passkey: its record is not the JSON of one")
	}
	switch {
	case r.Version != recordVersion:
		return Credential{}, fmt.Errorf("decoding a passkey: its record has version %d, and this program knows version %d", r.Version, recordVersion)
	case len(id) == 0 || len(r.PublicKey) == 0:
		return Credential{}, errors.New("decoding a passkey: its ID or its public key is missing")
	case signCount < 0 || signCount > math.MaxUint32:
		return Credential{}, errors.New("decoding a passkey: its counter is out of range")
	}
	return Credential{id, signCount, backedUp, r.PublicKey, r.AAGUID, r.Attestation, r.Transports, r.BackupEligible}, nil
}

// maxPublicKey is the most bytes of a public key: an RSA key of 8,192 bits. Strangers make the server verify signatures under the keys of
// its accounts, and an RSA key of the longest body would take a thousand times as long as an honest one.
const maxPublicKey = 1100

// transports are those that this program keeps. The text comes from the browser, unsigned.
var transports = []string{"ble", "hybrid", "internal", "nfc", "smart-card", "usb"}

func newCredential(made *webauthn.Credential) (Credential, error) {
	c := Credential{
		ID: slices.Clone(made.ID), SignCount: int64(made.Authenticator.SignCount), BackedUp: made.Flags.BackupState,
		PublicKey: slices.Clone(made.PublicKey), Attestation: made.AttestationFormat, BackupEligible: made.Flags.BackupEligible,
	}
	if len(c.ID) == 0 || len(made.Authenticator.AAGUID) != len(c.AAGUID) {
		return Credential{}, errors.New("checking a new passkey: it has no ID")
	}
	if len(c.PublicKey) > maxPublicKey {
		return Credential{}, errors.New("checking a new passkey: its public key is longer than any honest one")
	}
	c.AAGUID = [16]byte(made.Authenticator.AAGUID)
	for _, known := range transports {
		if slices.Contains(made.Transport, protocol.AuthenticatorTransport(known)) {
			c.Transports = append(c.Transports, known)
		}
	}
	return c, nil
}

// library is the credential as go-webauthn knows it.
func (c Credential) library() webauthn.Credential {
	l := webauthn.Credential{
		ID: c.ID, PublicKey: c.PublicKey, AttestationFormat: c.Attestation,
		Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: c.BackupEligible, BackupState: c.BackedUp},
		Authenticator: webauthn.Authenticator{AAGUID: c.AAGUID[:], SignCount: uint32(c.SignCount)},
	}
	for _, transport := range c.Transports {
		l.Transport = append(l.Transport, protocol.AuthenticatorTransport(transport))
	}
	return l
}
