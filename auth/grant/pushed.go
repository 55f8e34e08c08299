package grant

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// RequestLife is how long a person may take to sign in and approve a request.
const RequestLife = 10 * time.Minute

// uriPrefix is that of a request URI (RFC 9126 §2.2). A sealed text follows: a request that is pushed makes us keep nothing.
const uriPrefix = "urn:ietf:params:oauth:request_uri:"

// purposeRequest is the purpose of a request that a code was given for, in the table of challenges. The word is stored.
const purposeRequest = "authorization_request"

// ErrRequestURI is the code of a request that was answered or is too old (RFC 9101 §6.1).
const ErrRequestURI = "invalid_request_uri"

var requestRow = []byte("authorization request\x00")

// Seal gives a request a text that only this server can make and read, for a page or a request URI.
func (s *Service) Seal(r Request) (Sealed, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it would make some characters six times as long
	if err := encoder.Encode(r); err != nil {
		return Sealed{}, fmt.Errorf("seal an authorization request: %w", err)
	}
	raw := s.sealer.Seal(requestRow, text.Bytes())
	hash := sha256.Sum256(raw)
	return Sealed{Request: r, Text: base64.RawURLEncoding.EncodeToString(raw), hash: hash[:]}, nil
}

// maxSealed is more than the text of the largest request has: its parts are escaped in JSON.
const maxSealed = 16 << 10

// open opens what Seal returned.
func (s *Service) open(sealed string) (r Request, hash []byte, err error) {
	if len(sealed) > maxSealed {
		return r, nil, errors.New("too long")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return r, nil, errors.New("not base64url") // the cause would repeat the text
	}
	text, _, err := s.sealer.Open(requestRow, raw)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	sum := sha256.Sum256(raw) // of the bytes: base64 has more than one spelling of them
	return r, sum[:], err
}

// Sealed is a request that comes back from a page or a request URI.
type Sealed struct {
	Request

	Text string // that Seal returned
	hash []byte // of the text; codes derive from it
}

// row is the hash of the row that says that a code was given. It is not the hash that codes derive from: the database, read by who also
// has the server's secret, must not give the codes away, and with them the secrets of devices.
func (q *Sealed) row() []byte {
	sum := sha256.Sum256(q.hash)
	return sum[:]
}

var errNoRequest = &auth.Error{Kind: auth.KindDeadLink, Message: "This sign-in was not started properly. Go back to the app and start again."}

// Open opens a sealed request. It returns a *Refusal with invalid_request_uri (RFC 9101 §6.1) after RequestLife, or after a code was given for the
// request; KindDeadLink for a text that we did not seal; and the errors of Client if the client or its redirect URI has been removed.
func (s *Service) Open(ctx context.Context, text string) (Sealed, error) {
	q, err := s.reopen(ctx, text)
	if err != nil {
		return q, err
	}
	return q, s.unanswered(ctx, q)
}

// unanswered returns a *Refusal if a code was given for a request.
func (s *Service) unanswered(ctx context.Context, q Sealed) error {
	answered, err := s.store.ChallengeUsed(ctx, purposeRequest, q.row())
	if err == nil && answered {
		err = q.refuse(ErrRequestURI, "This request was answered already: start a new one.")
	}
	return err
}

// reopen is Open for a request that may have been answered.
func (s *Service) reopen(ctx context.Context, text string) (q Sealed, err error) {
	q.Text = text
	if q.Request, q.hash, err = s.open(text); err != nil {
		return q, &auth.Error{Kind: errNoRequest.Kind, Message: errNoRequest.Message, Cause: err}
	}
	if _, err := s.Client(ctx, q.Request); err != nil {
		return q, err
	}
	if !s.within(q.At, RequestLife) {
		return q, q.refuse(ErrRequestURI, "This request is too old: start a new one.")
	}
	return q, nil
}

// clockError is how far the clock of the replica that made a request or a code may be ahead of this one.
const clockError = time.Minute

// within reports whether a time is at most so long ago.
func (s *Service) within(at time.Time, life time.Duration) bool {
	age := s.clock.Now().Sub(at)
	return age > -clockError && age < life
}

// Waiting returns a request that waits for its person to sign in, with its client. Its errors are those of Open; it does not look whether the
// request was answered, and costs no query.
func (s *Service) Waiting(ctx context.Context, text string) (q Sealed, c models.Client, err error) {
	if q, err = s.reopen(ctx, text); err != nil {
		return q, c, err
	}
	c, err = s.Client(ctx, q.Request)
	return q, c, err
}

// Pushed opens the request that a request URI names (RFC 9126 §4). The client_id beside it must be that of the request; all else that
// comes with it means nothing. Its errors are those of Open, and those of Check for a request URI that is not ours.
func (s *Service) Pushed(ctx context.Context, p Params) (Sealed, error) {
	text, ours := strings.CutPrefix(p.Values["request_uri"], uriPrefix)
	q, err := s.Open(ctx, text)
	if ours && q.hash != nil && (!q.Pushed || q.ClientID != p.Values["client_id"]) {
		return Sealed{}, auth.Refuse(auth.KindUnauthorizedClient, "The request belongs to another app.")
	}
	return q, err
}

// IsPushed reports whether a request names one that was pushed.
func IsPushed(p Params) bool { return strings.HasPrefix(p.Values["request_uri"], uriPrefix) }

// Receipt is the answer to a pushed request (RFC 9126 §2.2).
type Receipt struct {
	URI       string `json:"request_uri"`
	ExpiresIn int64  `json:"expires_in"` // seconds
}

// Push keeps a request for the client that pushes it. A DPoP proof binds the code to its key (RFC 9449 §10.1). It is not remembered: sent
// again, it makes another request for the same key, and strangers could otherwise fill the memory in a client's name. Push returns the
// errors of Check, KindInvalidProof and KindUseNonce.
func (s *Service) Push(ctx context.Context, p Params, by client.Identity, proof token.Proof) (Receipt, error) {
	if err := s.checkClient(ctx, by); err != nil {
		return Receipt{}, err
	}
	p.Values["client_id"] = by.ID // HTTP Basic may have named it
	if p.Values["request_uri"] != "" {
		return Receipt{}, auth.InvalidField("request_uri", "It cannot be pushed.") // RFC 9126 §2.1
	}
	r, err := s.Check(ctx, p)
	if err != nil {
		return Receipt{}, err
	}
	if r.Installation, err = s.readInstallation(auth.SentInstallation{ID: p.Values["installation_id"], OldToken: p.Values["old_refresh_token"]}); err != nil {
		return Receipt{}, err
	}
	jkt, _, err := s.tokens.CheckProof(proof, "", dpop.Request{})
	switch {
	case err != nil:
		return Receipt{}, err
	case jkt != "" && r.JKT != "" && jkt != r.JKT:
		return Receipt{}, auth.Refuse(auth.KindInvalidProof, "dpop_jkt is not the thumbprint of the proof's key.")
	case jkt != "":
		r.JKT = jkt
	}
	r.Pushed = true
	q, err := s.Seal(r)
	return Receipt{URI: uriPrefix + q.Text, ExpiresIn: int64(RequestLife / time.Second)}, err
}
