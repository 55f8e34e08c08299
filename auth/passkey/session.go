package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const sessionVersion = 1

// The kinds of session: one of the one ceremony never finishes the other.
const (
	creationKind = "create"
	requestKind  = "get"
)

// ceremony is what the second step of a ceremony must know of the first. Its JSON is sealed by callers and can outlive an upgrade.
type ceremony struct {
	Version   int      `json:"v"`
	Kind      string   `json:"kind"`
	Challenge string   `json:"challenge"`         // base64url
	Expires   int64    `json:"expires"`           // Unix milliseconds
	User      []byte   `json:"user,omitempty"`    // whose passkey is to be made
	Allowed   [][]byte `json:"allowed,omitempty"` // the credentials that may answer; none: all
}

// ErrExpired says that a ceremony took too long.
var ErrExpired = errors.New("the time for using the passkey is over")

var errSession = errors.New("this is no session of this passkey ceremony")

// begin encodes the options and the session of a ceremony.
func (c *Ceremonies) begin(options any, s ceremony, now time.Time) (json.RawMessage, []byte, error) {
	s.Version, s.Expires = sessionVersion, now.Add(c.life).UnixMilli()
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the options of a passkey ceremony: %w", err)
	}
	session, err := json.Marshal(s)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the session of a passkey ceremony: %w", err)
	}
	return encoded, session, nil
}

func openSession(session []byte, kind string, now time.Time) (ceremony, error) {
	var s ceremony
	if err := json.Unmarshal(session, &s); err != nil || s.Version != sessionVersion || s.Kind != kind || s.Challenge == "" {
		return ceremony{}, errSession
	}
	if now.UnixMilli() >= s.Expires {
		return ceremony{}, ErrExpired
	}
	return s, nil
}
