package transfer

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/auth"
	"latchkey/auth/password/foreign"
)

// The limits of a record.
const (
	MaxRecord = 16 << 10 // bytes of JSON
	minTOTP   = 16       // bytes: RFC 4226, section 4, R6
	maxTOTP   = 64
)

// Record is an account on its way from one system to another. As JSON it is one line of a file.
type Record struct {
	Email         string          `json:"email"`
	EmailVerified bool            `json:"email_verified"`
	CreatedAt     *time.Time      `json:"created_at,omitempty"` // nil: at the import
	Disabled      bool            `json:"disabled,omitempty"`
	ExternalID    string          `json:"external_id,omitempty"`   // its id at the operator's backend
	Metadata      json.RawMessage `json:"metadata,omitempty"`      // a JSON object that the backend keeps with it
	PasswordHash  string          `json:"password_hash,omitempty"` // in a format of foreign.Parse; empty: the owner must reset the password
	TOTPSecret    string          `json:"totp_secret,omitempty"`   // base32, of an app with SHA-1, six digits and steps of 30 seconds
}

// ParseRecord parses one JSON object. It refuses members that it does not know, so that a misspelt one is not lost.
func ParseRecord(line []byte) (r Record, err error) {
	if len(line) > MaxRecord {
		return r, fmt.Errorf("the record is longer than %d bytes", MaxRecord)
	}
	if !utf8.Valid(line) {
		return r, errors.New("the record is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Record{}, plainJSONError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Record{}, errors.New("there is more than one JSON value in the line")
	}
	return r, nil
}

// plainJSONError says what is wrong with a record without a word of what it holds.
func plainJSONError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%s: a JSON value of the wrong type", kind.Field)
	case errors.As(err, &syntax):
		return fmt.Errorf("invalid JSON at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("invalid JSON: it ends too early")
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return errors.New("unknown member " + strings.TrimPrefix(err.Error(), "json: unknown field "))
	}
	return errors.New("a member has a value that cannot be read, such as a time that is not of RFC 3339")
}

// judged is a record whose parts were parsed.
type judged struct {
	email    string
	metadata string
	hash     foreign.Hash
	hasHash  bool
	totp     []byte
}

// judge returns the parts of a record, or why it is refused: a field and a reason, without a word of what the field holds.
func (r Record) judge(now time.Time) (j judged, err error) {
	problem := "This is required."
	if j.email = auth.TrimEmail(r.Email); j.email != "" {
		problem = auth.ProblemWithEmail(j.email)
	}
	if problem != "" {
		return j, errors.New("email: " + problem)
	}
	if r.CreatedAt != nil && (r.CreatedAt.Unix() < 0 || r.CreatedAt.After(now)) {
		return j, errors.New("created_at: the time is before 1970 or in the future")
	}
	if problem := auth.ProblemWithExternalID(r.ExternalID); r.ExternalID != "" && problem != "" {
		return j, errors.New("external_id: " + problem)
	}
	metadata, problem := auth.CompactMetadata(r.Metadata)
	if problem != "" {
		return j, errors.New("metadata: " + problem)
	}
	j.metadata = string(metadata)
	if r.PasswordHash != "" {
		if j.hash, err = foreign.Parse(r.PasswordHash); err != nil {
			return j, fmt.Errorf("password_hash: %w", err)
		}
		j.hasHash = true
	}
	if r.TOTPSecret != "" {
		if j.totp, err = totpSecret(r.TOTPSecret); err != nil {
			return j, fmt.Errorf("totp_secret: %w", err)
		}
	}
	return j, nil
}

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

func totpSecret(text string) ([]byte, error) {
	secret, err := base32Text.DecodeString(strings.TrimRight(strings.ToUpper(strings.ReplaceAll(text, " ", "")), "="))
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("it is not base32")
	}
	if len(secret) < minTOTP || len(secret) > maxTOTP {
		return nil, fmt.Errorf("it has %d bytes, not %d to %d", len(secret), minTOTP, maxTOTP)
	}
	return secret, nil
}
