package jws

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Base64 is strict base64url without padding (RFC 7515 §2).
var Base64 = base64.RawURLEncoding.Strict()

// Compact is a parsed JWS (RFC 7515 §3.1) whose signature was not checked.
type Compact struct {
	Type, Alg, KeyID string // typ, alg, kid; "" if absent
	JWK              string // jwk, as JSON; "" if absent
	Signed           string // the signing input
	Payload          string // base64url
	Signature        []byte
}

// Split parses a JWS in compact serialization. Its error says what is wrong and contains nothing of the text. It refuses critical
// header parameters, because it understands none (RFC 7515 §4.1.11).
func Split(text string) (c Compact, err error) {
	if strings.Count(text, ".") != 2 {
		return c, errors.New("it is not three parts")
	}
	first, last := strings.IndexByte(text, '.'), strings.LastIndexByte(text, '.')
	// Even strict base64 skips line breaks, so one token would have many spellings.
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

// Alg returns the name of an algorithm for comparisons. Ed25519 is the new name of EdDSA on that curve (RFC 9864), and the key
// tells the curve, so both are EdDSA.
func Alg(name string) string {
	if name == "Ed25519" {
		return "EdDSA"
	}
	return name
}

// Is reports whether typ is the given type, which may follow "application/" (RFC 7515 §4.1.9).
func (c *Compact) Is(typ string) bool {
	return strings.EqualFold(c.Type, typ) || strings.EqualFold(c.Type, "application/"+typ)
}
