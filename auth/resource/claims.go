package resource

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/auth/jws"
	"latchkey/auth/origin"
	"latchkey/auth/statuslist"
)

// Claims are the claims of a verified access token (RFC 9068 §2.2).
type Claims struct {
	Subject    string // sub: the id of the user
	DeviceID   string // sid: the id of the device that the token was issued to
	DeviceName string // device_name, as the user named it; "" if the issuer omits it
	ClientID   string // client_id: the app
	ID         string // jti
	IssuedAt   time.Time
	Expires    time.Time
	JKT        string // cnf.jkt, the thumbprint of the key that the token is bound to (RFC 9449 §6.1); "" for a bearer token
	// Status names the bit that says whether the token is revoked. Without a URI, only exp ends the token.
	Status statuslist.Reference

	proof *proof // shared by all copies; nil: the token says nothing
}

// proof is how the person last proved who they are on the device of a token, and what the token may do. It is apart from Claims, which is
// copied for each request.
type proof struct {
	scope []string
	at    time.Time // auth_time; zero: missing
	acr   string
	amr   []string
}

// AuthTime returns when the person last proved who they are on this device (auth_time, RFC 9470 §6.1). It is zero in tokens of a
// device that signed in before the issuer recorded it. Verify does not judge AuthTime and ACR: Verifier.Require and Check do.
func (c *Claims) AuthTime() time.Time {
	if c.proof == nil {
		return time.Time{}
	}
	return c.proof.at
}

// ACR returns the level of that proof: OneFactor or TwoFactors, or "" where AuthTime is zero.
func (c *Claims) ACR() string {
	if c.proof == nil {
		return ""
	}
	return c.proof.acr
}

// AMR returns the methods of that proof (RFC 8176): pwd, otp, pop, user, mfa; nil where AuthTime is zero.
func (c *Claims) AMR() []string {
	if c.proof == nil {
		return nil
	}
	return slices.Clone(c.proof.amr)
}

// Scopes returns what the token may do (scope, RFC 9068 §2.2.3); nil if it does not say. The issuer leaves the claim out for a first-party
// app without scopes.
func (c *Claims) Scopes() []string {
	if c.proof == nil {
		return nil
	}
	return slices.Clone(c.proof.scope)
}

// HasScope reports whether the token names a scope.
func (c *Claims) HasScope(scope string) bool {
	return c.proof != nil && slices.Contains(c.proof.scope, scope)
}

// mayProve returns the proof of claims that are being read.
func (c *Claims) mayProve() *proof {
	if c.proof == nil {
		c.proof = &proof{}
	}
	return c.proof
}

// readMethods parses amr, a list of strings.
func readMethods(value string) (methods []string, err error) {
	if value[0] != '[' { // json.Unmarshal takes null
		return nil, jws.ErrJSON
	}
	err = json.Unmarshal([]byte(value), &methods)
	return methods, err
}

// readScope parses scope, a text with spaces between.
func readScope(value string) ([]string, error) {
	text, err := jws.Text(value)
	return strings.Fields(text), err
}

// rawClaims are a token's claims, with those that are only checked.
type rawClaims struct {
	Claims
	issuer    string
	audience  string // as JSON
	notBefore time.Time
	bound     bool
	listed    bool
}

// readClaims parses the payload of an access token whose signature is valid.
func readClaims(payload []byte) (c rawClaims, err error) {
	err = jws.Members(payload, func(name, value string) (err error) {
		switch name {
		case "iss":
			c.issuer, err = jws.Text(value)
		case "aud":
			c.audience = value
		case "sub":
			c.Subject, err = jws.Text(value)
		case "sid":
			c.DeviceID, err = jws.Text(value)
		case "device_name":
			c.DeviceName, err = jws.Text(value)
		case "client_id":
			c.ClientID, err = jws.Text(value)
		case "jti":
			c.ID, err = jws.Text(value)
		case "exp":
			c.Expires, err = jws.Time(value)
		case "iat":
			c.IssuedAt, err = jws.Time(value)
		case "nbf":
			c.notBefore, err = jws.Time(value)
		case "auth_time":
			c.mayProve().at, err = jws.Time(value)
		case "acr":
			c.mayProve().acr, err = jws.Text(value)
		case "amr":
			c.mayProve().amr, err = readMethods(value)
		case "scope":
			c.mayProve().scope, err = readScope(value)
		case "cnf":
			c.bound = true
			c.JKT, err = readConfirmation(value)
		case "status":
			c.listed = true
			c.Status, err = readStatus(value)
		}
		return err
	})
	return c, err
}

// readConfirmation parses cnf. It returns "" for a confirmation other than jkt.
func readConfirmation(value string) (jkt string, err error) {
	err = jws.Walk(value, func(name, value string) (err error) {
		if name == "jkt" {
			jkt, err = jws.Text(value)
		}
		return err
	})
	return jkt, err
}

// readStatus parses the status claim. It returns the zero Reference for a mechanism other than a status list.
func readStatus(value string) (ref statuslist.Reference, err error) {
	ref.Index = -1
	err = jws.Walk(value, func(name, value string) error {
		if name != "status_list" {
			return nil
		}
		return jws.Walk(value, func(name, value string) (err error) {
			switch name {
			case "idx":
				ref.Index, err = strconv.Atoi(value)
			case "uri":
				ref.URI, err = jws.Text(value)
			}
			return err
		})
	})
	return ref, err
}

// judge returns what is wrong with claims at now, or nil.
func (v *Verifier) judge(c *rawClaims, now time.Time) error {
	switch {
	case !origin.Same(c.issuer, v.config.Issuer):
		return invalid("it is from another issuer")
	case !v.isFor(c.audience):
		return invalid("it is for another audience")
	case c.Expires.IsZero():
		return invalid("exp is missing")
	case !now.Before(c.Expires.Add(v.config.Leeway)):
		return invalid(reasonExpired)
	case c.IssuedAt.IsZero():
		return invalid("iat is missing")
	case c.IssuedAt.After(now.Add(v.config.Leeway)):
		return invalid("it was issued in the future")
	case c.notBefore.After(now.Add(v.config.Leeway)):
		return invalid("it is not valid yet")
	case c.Expires.Sub(c.IssuedAt) > v.config.MaxLifetime:
		return invalid("it lives too long")
	case c.Subject == "" || c.ID == "" || c.ClientID == "":
		return invalid("sub, jti or client_id is missing")
	case c.bound && c.JKT == "":
		return invalid("it is bound to something other than a key")
	case c.listed && (c.Status.Index < 0 || !v.mayFetchStatus(c.Status.URI)):
		return invalid("its status is not in a list of the issuer")
	}
	return nil
}

const reasonExpired = "it has expired"

// isFor reports whether aud, a string or a list of strings (RFC 7519 §4.1.3), contains the audience.
func (v *Verifier) isFor(audience string) bool {
	if one, err := jws.Text(audience); err == nil {
		return origin.Same(one, v.config.Audience)
	}
	var several []string
	return json.Unmarshal([]byte(audience), &several) == nil &&
		slices.ContainsFunc(several, func(one string) bool { return origin.Same(one, v.config.Audience) })
}
