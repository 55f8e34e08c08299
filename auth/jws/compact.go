package jws

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Base64 is base64url without padding (RFC 7515 §2), and no laxer than that.
var Base64 = base64.RawURLEncoding.Strict()

// Compact is a signed text in compact form (RFC 7515 §3.1), taken apart and not yet believed.
type Compact struct {
	Type, Alg, KeyID string // typ, alg, kid; "" when absent
	JWK              string // jwk, as JSON; "" when absent
	Signed           string // what the signature is over
	Payload          string // base64url
	Signature        []byte
}

// Split takes a text apart. The error says what is wrong with it, and holds nothing of it. Critical header parameters are
// refused: none is understood (RFC 7515 §4.1.11).
func Split(text string) (c Compact, err error) {
	if strings.Count(text, ".") != 2 {
		return c, errors.New("it is not three parts")
	}
	first, last := strings.IndexByte(text, '.'), strings.LastIndexByte(text, '.')
	// base64 passes over line ends, strict or not: one token would have many texts.
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return c, errors.New("it is not base64url")
	}
	header, err := Base64.DecodeString(text[:first])
	if err != nil {
		return c, errors.New("its header is not base64url")
	}
	if c.Signature, err = Base64.DecodeString(text[last+1:]); err != nil {
		return c, errors.New("its signature is not base64url")
	}
	c.Signed, c.Payload = text[:last], text[first+1:last]
	critical := false
	if err := Members(header, func(name, value string) (err error) {
		switch name {
		case "alg":
			c.Alg, err = Text(value)
		case "kid":
			c.KeyID, err = Text(value)
		case "typ":
			c.Type, err = Text(value)
		case "jwk":
			c.JWK = value
		case "crit":
			critical = true
		}
		return err
	}); err != nil {
		return c, errors.New("its header is not a JSON object of unique members")
	}
	if critical {
		return c, errors.New("it has critical header parameters")
	}
	return c, nil
}

// Alg is the name under which an algorithm is compared: RFC 9864 names EdDSA on one curve Ed25519. The key says which curve it is.
func Alg(name string) string {
	if name == "Ed25519" {
		return "EdDSA"
	}
	return name
}

// Is compares typ, which may be written with "application/" before it (RFC 7515 §4.1.9).
func (c *Compact) Is(typ string) bool {
	return strings.EqualFold(c.Type, typ) || strings.EqualFold(c.Type, "application/"+typ)
}
