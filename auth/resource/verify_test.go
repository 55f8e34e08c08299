package resource

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/auth/keyring"
	"latchkey/auth/statuslist"
)

func TestWhatAGoodTokenSays(t *testing.T) {
	for _, alg := range allAlgs {
		i := newIssuer(t, alg)
		v := i.verifier(nil)
		token := i.token(map[string]any{"cnf": map[string]any{"jkt": "a thumbprint"}, "status": status(7, theList), "device_name": "Ada's \"phone\" é"})
		for _, when := range []string{"first", "cached"} {
			c, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatalf("%s, %s: %v", alg, when, err)
			}
			expires := c.Expires
			c.Expires, c.IssuedAt = time.Time{}, time.Time{}
			if *c != (Claims{
				Subject: "019aad6e-8000-7000-8000-000000000001", DeviceID: "019aad6e-8000-7000-8000-000000000002", DeviceName: "Ada's \"phone\" é", ClientID: "app",
				ID: "a token", JKT: "a thumbprint", Status: statuslist.Reference{Index: 7, URI: theList},
			}) || expires.Before(time.Now()) {
				t.Errorf("%s, %s: %+v until %v", alg, when, c, expires)
			}
		}
	}
}

func TestWhatACallerChangesStaysWithHim(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v, token := i.verifier(nil), i.token(nil)
	must[*Claims](t)(v.Verify(t.Context(), token)).Subject = "somebody else"
	if c := must[*Claims](t)(v.Verify(t.Context(), token)); c.Subject == "somebody else" {
		t.Error("the cache was changed")
	}
}

func TestClaimsAreJudged(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	now := time.Now().Truncate(time.Second)
	i.now = func() time.Time { return now }
	v := i.verifier(nil)
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, test := range map[string]struct {
		changes map[string]any
		good    bool
	}{
		"as they should be":                   {nil, true},
		"of another issuer":                   {map[string]any{"iss": theIssuer + "/"}, false},
		"of the issuer, spelt otherwise":      {map[string]any{"iss": "HTTPS://ID.example.com:443"}, true},
		"of its neighbour's port":             {map[string]any{"iss": theIssuer + ":8443"}, false},
		"without an issuer":                   {map[string]any{"iss": nil}, false},
		"for another audience":                {map[string]any{"aud": "https://other.example.com"}, false},
		"without an audience":                 {map[string]any{"aud": nil}, false},
		"for several, this one among them":    {map[string]any{"aud": []string{"https://other.example.com", theAudience}}, true},
		"for this one, spelt otherwise":       {map[string]any{"aud": "https://API.EXAMPLE.com:443"}, true},
		"for several, spelt otherwise":        {map[string]any{"aud": []string{theIssuer, "https://API.EXAMPLE.com"}}, true},
		"for several others":                  {map[string]any{"aud": []string{"https://other.example.com"}}, false},
		"for nobody":                          {map[string]any{"aud": []string{}}, false},
		"for a list of other things":          {map[string]any{"aud": []any{theAudience, 1}}, false},
		"for an object":                       {map[string]any{"aud": map[string]any{theAudience: true}}, false},
		"expired":                             {map[string]any{"exp": at(-11 * time.Second)}, false},
		"expired within the leeway":           {map[string]any{"exp": at(-5 * time.Second)}, true},
		"without an end":                      {map[string]any{"exp": nil}, false},
		"with an end of null":                 {map[string]any{"exp": json.RawMessage("null")}, false},
		"with an end that is text":            {map[string]any{"exp": "4102444800"}, false},
		"with an end in the far future":       {map[string]any{"exp": at(366 * 24 * time.Hour)}, false},
		"with an end past all calendars":      {map[string]any{"exp": int64(math.MaxInt64)}, false},
		"with an end past all numbers":        {map[string]any{"exp": json.RawMessage("1e999")}, false},
		"with a negative end":                 {map[string]any{"exp": -1}, false},
		"with an end in fractions":            {map[string]any{"exp": float64(at(time.Minute)) + 0.5}, true},
		"issued in the future":                {map[string]any{"iat": at(time.Minute)}, false},
		"issued by a clock that runs ahead":   {map[string]any{"iat": at(5 * time.Second)}, true},
		"issued at no time":                   {map[string]any{"iat": nil}, false},
		"not valid yet":                       {map[string]any{"nbf": at(time.Minute)}, false},
		"valid already":                       {map[string]any{"nbf": at(-time.Minute)}, true},
		"without a subject":                   {map[string]any{"sub": nil}, false},
		"with a subject that is a number":     {map[string]any{"sub": 1}, false},
		"without an id":                       {map[string]any{"jti": nil}, false},
		"without a client":                    {map[string]any{"client_id": ""}, false},
		"without a device name":               {map[string]any{"device_name": nil}, true},
		"bound to a certificate":              {map[string]any{"cnf": map[string]any{"x5t#S256": "…"}}, false},
		"bound to nothing":                    {map[string]any{"cnf": map[string]any{}}, false},
		"bound to a text":                     {map[string]any{"cnf": "jkt"}, false},
		"with another kind of status":         {map[string]any{"status": map[string]any{"identifier_list": map[string]any{}}}, false},
		"with a status of null":               {map[string]any{"status": json.RawMessage("null")}, false},
		"with a status without a place":       {map[string]any{"status": map[string]any{"status_list": map[string]any{"uri": theList}}}, false},
		"with a status without a list":        {map[string]any{"status": map[string]any{"status_list": map[string]any{"idx": 1}}}, false},
		"with a negative place":               {map[string]any{"status": status(-1, theList)}, false},
		"with a place that is text":           {map[string]any{"status": status("1", theList)}, false},
		"with a place in fractions":           {map[string]any{"status": status(1.5, theList)}, false},
		"with a place past the list":          {map[string]any{"status": status(1024, theList)}, false},
		"with a place past all numbers":       {map[string]any{"status": status(json.RawMessage("99999999999999999999"), theList)}, false},
		"with the last place":                 {map[string]any{"status": status(1023, theList)}, true},
		"with members that nobody knows":      {map[string]any{"scope": "a b", "x": map[string]any{"y": []any{1, "]}"}}}, true},
		"with the deepest nest":               {map[string]any{"x": json.RawMessage(strings.Repeat("[", 2000) + strings.Repeat("]", 2000))}, true},
		"with the name of a claim in capital": {map[string]any{"exp": nil, "EXP": at(time.Minute)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if test.changes["jti"] == nil && test.changes != nil {
				if _, given := test.changes["jti"]; !given {
					test.changes["jti"] = name
				}
			}
			kind := ErrInvalidToken
			if test.good {
				kind = nil
			}
			want(t, v, i.token(test.changes), kind, "first")
			want(t, v, i.token(test.changes), kind, "again")
		})
	}
}

func TestPayloadsThatAreNoClaims(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	good := string(asJSON(t, map[string]any{
		"iss": theIssuer, "aud": theAudience, "sub": "s", "client_id": "app", "jti": "j", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}))
	typ := map[string]any{"typ": "at+jwt"}
	want(t, v, i.sign(i.signer(), typ, good), nil, "the one that the others are made of")
	for name, payload := range map[string]string{
		"nothing":                           "",
		"null":                              "null",
		"a list":                            "[" + good + "]",
		"a text":                            `"` + theIssuer + `"`,
		"two objects":                       good + good,
		"one member twice":                  good[:len(good)-1] + `,"exp":4102444800}`,
		"one member twice, once escaped":    good[:len(good)-1] + `,"\u0065xp":4102444800}`,
		"one member of cnf twice":           good[:len(good)-1] + `,"cnf":{"jkt":"a","jkt":"b"}}`,
		"cut short":                         good[:len(good)-1],
		"not UTF-8":                         strings.Replace(good, `"s"`, "\"\xff\"", 1),
		"a hundred members":                 good[:len(good)-1] + hundredMembers() + "}",
		"a nest deeper than anybody allows": good[:len(good)-1] + `,"x":` + strings.Repeat("[", 3000) + "}",
	} {
		want(t, v, i.sign(i.signer(), typ, payload), ErrInvalidToken, name)
	}
}

func hundredMembers() string {
	var b strings.Builder
	for n := range 100 {
		b.WriteString(`,"m` + string(rune('a'+n/26)) + string(rune('a'+n%26)) + `":0`)
	}
	return b.String()
}

func TestHeadersAreJudged(t *testing.T) {
	i := newIssuer(t, keyring.ES256)
	i.rotate(keyring.EdDSA)
	i.rotate(keyring.RS256)
	v := i.verifier(nil)
	claims := map[string]any{"iss": theIssuer, "aud": theAudience, "sub": "s", "client_id": "app", "jti": "j", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	es, ed, rs := i.keys[0], i.keys[1], i.keys[2]
	sign := func(k *keyring.Key, header map[string]any) string {
		if _, given := header["typ"]; !given {
			header["typ"] = "at+jwt"
		}
		return i.sign(k, header, claims)
	}
	der := must[[]byte](t)(x509.MarshalPKIXPublicKey(rs.Public()))
	hmacWith := func(secret []byte, kid string) string {
		return signText(t, jwt.SigningMethodHS256, secret, asJSON(t, map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": kid}), asJSON(t, claims))
	}
	unsigned := func(alg string) string {
		return b64(asJSON(t, map[string]any{"alg": alg, "typ": "at+jwt", "kid": es.ID})) + "." + b64(asJSON(t, claims)) + "."
	}
	for name, test := range map[string]struct {
		token string
		good  bool
	}{
		"by the ES256 key":                  {sign(es, map[string]any{}), true},
		"by the EdDSA key":                  {sign(ed, map[string]any{}), true},
		"by the EdDSA key, by RFC 9864":     {sign(ed, map[string]any{"alg": "Ed25519"}), true},
		"Ed25519 by the ES256 key":          {sign(es, map[string]any{"alg": "Ed25519"}), false},
		"Ed448":                             {sign(ed, map[string]any{"alg": "Ed448"}), false},
		"by the RS256 key":                  {sign(rs, map[string]any{}), true},
		"typ written out":                   {sign(es, map[string]any{"typ": "application/at+jwt"}), true},
		"typ in capitals":                   {sign(es, map[string]any{"typ": "AT+JWT"}), true},
		"of the type JWT":                   {sign(es, map[string]any{"typ": "JWT"}), false},
		"a status list":                     {sign(es, map[string]any{"typ": statuslist.Type}), false},
		"without a type":                    {sign(es, map[string]any{"typ": nil}), false},
		"typ a number":                      {sign(es, map[string]any{"typ": 1}), false},
		"alg none":                          {unsigned("none"), false},
		"alg None":                          {unsigned("nOnE"), false},
		"no alg":                            {unsigned(""), false},
		"no signature":                      {unsigned("ES256"), false},
		"HS256 with the public key, as DER": {hmacWith(der, rs.ID), false},
		"HS256 with the public key, as x":   {hmacWith([]byte(es.ID), es.ID), false},
		"alg of another key":                {sign(es, map[string]any{"alg": "RS256"}), false},
		"alg ES384":                         {sign(es, map[string]any{"alg": "ES384"}), false},
		"alg in small letters":              {sign(es, map[string]any{"alg": "es256"}), false},
		"kid of another key":                {sign(es, map[string]any{"kid": ed.ID}), false},
		"kid of another key, alg too":       {sign(es, map[string]any{"kid": ed.ID, "alg": "EdDSA"}), false},
		"kid unknown":                       {sign(es, map[string]any{"kid": "nobody's"}), false},
		"kid a path":                        {sign(es, map[string]any{"kid": "../../../dev/null"}), false},
		"without a kid":                     {sign(es, map[string]any{"kid": nil}), false},
		"kid a list":                        {sign(es, map[string]any{"kid": []string{es.ID}}), false},
		"crit":                              {sign(es, map[string]any{"crit": []string{"exp"}}), false},
		"crit, empty":                       {sign(es, map[string]any{"crit": []string{}}), false},
		"b64 and crit":                      {sign(es, map[string]any{"crit": []string{"b64"}, "b64": false}), false},
		"a jwk of its own":                  {forged(t, claims), false},
	} {
		kind := ErrInvalidToken
		if test.good {
			kind = nil
		}
		want(t, v, test.token, kind, name)
	}
	twice := `{"alg":"ES256","kid":"` + es.ID + `","typ":"JWT","typ":"at+jwt"}`
	want(t, v, signText(t, es.Method(), es.Signer(), []byte(twice), asJSON(t, claims)), ErrInvalidToken, "typ twice")
	if n := i.count("/.well-known/jwks.json"); n != 1 {
		t.Errorf("the keys were fetched %d times within 5 s", n)
	}
}

// forged is signed by the forger's own key, which the token contains.
func forged(t *testing.T, claims map[string]any) string {
	other := newIssuer(t, keyring.EdDSA)
	public := map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(asBytes(other.signer().Public()))}
	return other.sign(other.signer(), map[string]any{"typ": "at+jwt", "jwk": public, "jku": "https://evil.example.com/jwks.json"}, claims)
}

func TestTextsThatAreNoTokens(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	good := i.token(nil)
	parts := strings.Split(good, ".")
	want(t, v, good, nil, "the one that the others are made of")
	for name, token := range map[string]string{
		"nothing":                      "",
		"dots":                         "..",
		"one part":                     parts[0],
		"two parts":                    parts[0] + "." + parts[1],
		"four parts":                   good + ".",
		"five parts":                   good + "." + parts[0] + "." + parts[1],
		"a line end within":            good[:10] + "\n" + good[10:],
		"a line end at the end":        good + "\r\n",
		"padding":                      good + "==",
		"a space before":               " " + good,
		"the alphabet of plain base64": strings.Replace(good, parts[2], strings.Repeat("+/", 43), 1),
		"a cut signature":              good[:len(good)-4],
		"an empty payload":             parts[0] + ".." + parts[2],
		"another payload":              parts[0] + "." + b64([]byte("{}")) + "." + parts[2],
		"stray bits at the end":        good[:len(good)-1] + nextLetter(good[len(good)-1]),
		"9 kB":                         parts[0] + "." + strings.Repeat("A", 9<<10) + "." + parts[2],
		"a gigantic header":            strings.Repeat("A", 8000) + "." + parts[1] + "." + parts[2],
		"bytes":                        "\x00\xff.\x00.\x00",
	} {
		want(t, v, token, ErrInvalidToken, name)
	}
}

// nextLetter returns a character that differs in its last bit, so that unused bits decode to the same bytes.
func nextLetter(c byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, c)^1])
}

func TestEveryAlteredLetterIsNoticed(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	good := i.token(nil)
	want(t, v, good, nil, "as it is")
	for at := range good {
		altered := []byte(good)
		altered[at] ^= 1
		want(t, v, string(altered), ErrInvalidToken, "altered")
	}
}

func TestReasonsMayBeShown(t *testing.T) {
	i := newIssuer(t, keyring.EdDSA)
	v := i.verifier(nil)
	_, err := v.Verify(context.Background(), i.token(map[string]any{"iss": `https://evil.example.com/"quoted"`}))
	var e *Error
	if !errors.As(err, &e) || strings.ContainsAny(e.Reason, "\"\\\r\n") || strings.Contains(e.Reason, "evil") || e.Reason == "" {
		t.Errorf("%+v", e)
	}
}

func TestOnlyAllowedAlgorithmsAreTaken(t *testing.T) {
	i := newIssuer(t, keyring.ES256)
	i.rotate(keyring.RS256)
	v := i.verifier(func(c *Config) { c.Algs = []string{"ES256"} })
	want(t, v, i.token(nil), ErrInvalidToken, "RS256 where ES256 is allowed")
	i.change(func() { i.keys = i.keys[:1] })
	want(t, v, i.token(nil), nil, "ES256")
	i = newIssuer(t, keyring.EdDSA)
	want(t, i.verifier(func(c *Config) { c.Algs = []string{"Ed25519"} }), i.token(nil), nil, "EdDSA where Ed25519 is allowed")
}
