package web

import (
	"net/http"
	"strings"

	"latchkey/auth/token"
	"latchkey/web/wire"
)

// accessToken takes the access token from the Authorization header, the only place where it may stand (RFC 6750
// §2.1; in a body or a URL it would end up in logs).
func accessToken(r *http.Request) (presented string, scheme token.Scheme, err error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return "", "", &wire.Error{Status: http.StatusBadRequest, Code: "invalid_request", Message: "There is more than one Authorization header.",
			Challenge: `Bearer error="invalid_request"`}
	}
	if len(headers) == 1 {
		name, presented, _ := strings.Cut(headers[0], " ")
		for _, scheme := range []token.Scheme{token.SchemeBearer, token.SchemeDPoP} {
			if presented = strings.TrimLeft(presented, " "); presented != "" && strings.EqualFold(name, string(scheme)) {
				return presented, scheme, nil
			}
		}
	}
	return "", "", &wire.Error{Status: http.StatusUnauthorized, Code: "unauthenticated", Message: "An access token is needed.", Challenge: "Bearer"}
}
