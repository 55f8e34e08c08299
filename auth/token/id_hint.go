package token

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"latchkey/auth/origin"
	"latchkey/models"
)

// maxHint is the length of the longest ID token that is looked at.
const maxHint = 8 << 10

// IDHint is what an ID token of ours says: for which client it was signed, and for which device and person.
type IDHint struct {
	ClientID string
	Device   models.DeviceKey
}

// hintClaims are the claims of an ID token that a hint needs.
type hintClaims struct {
	jwt.RegisteredClaims

	Audience  json.RawMessage `json:"aud"`
	SessionID string          `json:"sid"`
}

var errHint = errors.New("no ID token of ours")

// hintParser takes what expired long ago as well (RP-Initiated Logout §2, OpenID Connect Core §3.1.2.1).
var hintParser = jwt.NewParser(jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())

// ReadIDHint reads an id_token_hint. It accepts any ID token that this server signed, however old, as long as this process knows the key.
// It refuses access tokens and logout tokens, which have another typ. What the token says may have changed since.
func (s *Service) ReadIDHint(token string) (h IDHint, ok bool) {
	if token == "" || len(token) > maxHint || strings.ContainsAny(token, "\r\n") {
		return h, false
	}
	c := &hintClaims{}
	if _, err := hintParser.ParseWithClaims(token, c, s.hintKey); err != nil || !origin.Same(c.Issuer, s.config.Issuer) {
		return h, false
	}
	h.ClientID = audienceOf(c.Audience)
	user, userErr := uuid.Parse(c.Subject)
	device, deviceErr := uuid.Parse(c.SessionID)
	h.Device = models.DeviceKey{UserID: user, ID: device}
	return h, h.ClientID != "" && userErr == nil && deviceErr == nil
}

// audienceOf reads an aud that names one client: a text, or a list with one member (RFC 7519 §4.1.3).
func audienceOf(aud json.RawMessage) string {
	var one string
	if json.Unmarshal(aud, &one) == nil {
		return one
	}
	var list []string
	if json.Unmarshal(aud, &list) != nil || len(list) != 1 {
		return ""
	}
	return list[0]
}

func (s *Service) hintKey(t *jwt.Token) (any, error) {
	typ, _ := t.Header["typ"].(string)
	if !strings.EqualFold(typ, IDTokenType) {
		return nil, errHint
	}
	kid, _ := t.Header["kid"].(string)
	key, ok := s.keys.Known(kid)
	if !ok || key.Alg != t.Method.Alg() {
		return nil, errHint
	}
	return key.Public(), nil
}
