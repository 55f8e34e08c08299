package views

const logoutCommand = `latchkey client update notes \
  --backchannel-logout-uri https://notes.example.com/out`

// LogoutTokenGo checks a logout token. A test compiles and runs it.
const LogoutTokenGo = `const loggedOut = "http://schemas.openid.net/event/backchannel-logout"

// checkLogoutToken returns who was signed out: sub is the person, sid the device. keys are those of
// jwks_uri, fetched again when a token names a key that is not among them.
func checkLogoutToken(text string, keys jose.JSONWebKeySet, issuer, clientID string) (sub, sid string, err error) {
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return "", "", err
	}
	var claims jwt.Claims
	var more struct {
		SessionID string                     ` + "`json:\"sid\"`" + `
		Events    map[string]json.RawMessage ` + "`json:\"events\"`" + `
		Nonce     any                        ` + "`json:\"nonce\"`" + `
	}
	if err := token.Claims(keys, &claims, &more); err != nil { // finds the key by its kid
		return "", "", err
	}
	if err := claims.Validate(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{clientID}}); err != nil {
		return "", "", err
	}
	typ, _ := token.Headers[0].ExtraHeaders[jose.HeaderType].(string)
	if more.Events[loggedOut] == nil || more.Nonce != nil || claims.Expiry == nil || typ != "logout+jwt" {
		return "", "", errors.New("not a logout token")
	}
	return claims.Subject, more.SessionID, nil
}`
