package resource

import (
	"context"
	"encoding/base64"
	"strings"
)

var base64url = base64.RawURLEncoding.Strict()

// jws is a signed text in compact form (RFC 7515 §3.1), taken apart and not yet believed.
type jws struct {
	typ, alg, kid string
	signed        string // what the signature is over
	payload       string // base64url
	signature     []byte
}

// split takes a text apart.
func split(text string) (j jws, err error) {
	if strings.Count(text, ".") != 2 {
		return j, invalid("it is not three parts")
	}
	first, last := strings.IndexByte(text, '.'), strings.LastIndexByte(text, '.')
	// base64 passes over line ends, strict or not: one token would have many texts.
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return j, invalid("it is not base64url")
	}
	header, err := base64url.DecodeString(text[:first])
	if err != nil {
		return j, invalid("its header is not base64url")
	}
	if j.signature, err = base64url.DecodeString(text[last+1:]); err != nil {
		return j, invalid("its signature is not base64url")
	}
	j.signed, j.payload = text[:last], text[first+1:last]
	critical := false
	if err := members(header, func(name, value string) (err error) {
		switch name {
		case "alg":
			j.alg, err = unquote(value)
		case "kid":
			j.kid, err = unquote(value)
		case "typ":
			j.typ, err = unquote(value)
		case "crit":
			critical = true
		}
		return err
	}); err != nil {
		return j, invalid("its header is not a JSON object of unique members")
	}
	if critical {
		return j, invalid("it has critical header parameters") // none is understood: RFC 7515 §4.1.11
	}
	return j, nil
}

// is compares typ, which may be written with "application/" before it (RFC 7515 §4.1.9).
func (j *jws) is(typ string) bool {
	return strings.EqualFold(j.typ, typ) || strings.EqualFold(j.typ, "application/"+typ)
}

// by checks the signature by a key, under the algorithm of that key (RFC 8725 §3.1), and returns the payload.
func (j *jws) by(k *key) (payload []byte, err error) {
	if k.alg != j.alg {
		return nil, invalid("its alg is not its key's")
	}
	if !k.verify(j.signed, j.signature) {
		return nil, invalid("its signature is wrong")
	}
	if payload, err = base64url.DecodeString(j.payload); err != nil {
		return nil, invalid("its payload is not base64url")
	}
	return payload, nil
}

// open is the payload of a JWS of the wanted type (RFC 8725 §3.11) that is signed by a key of the issuer's.
func (v *Verifier) open(ctx context.Context, text, typ string) (payload []byte, k *key, err error) {
	j, err := split(text)
	if err != nil {
		return nil, nil, err
	}
	if !j.is(typ) {
		return nil, nil, invalid("its typ is not " + typ)
	}
	if k, err = v.findKey(ctx, j.kid); err != nil {
		return nil, nil, err
	}
	payload, err = j.by(k)
	return payload, k, err
}
