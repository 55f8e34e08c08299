package web

import (
	"net/http"
	"strings"

	"latchkey/auth/token"
)

// accessToken takes the access token from the Authorization header, the only place where it may stand (RFC 6750
// §2.1; in a body or a URL it would end up in logs).
func accessToken(r *http.Request) (presented string, scheme token.Scheme, err error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return "", "", &httpError{status: http.StatusBadRequest, code: "invalid_request", message: "There is more than one Authorization header.",
			challenge: `Bearer error="invalid_request"`}
	}
	if len(headers) == 1 {
		name, presented, _ := strings.Cut(headers[0], " ")
		for _, scheme := range []token.Scheme{token.SchemeBearer, token.SchemeDPoP} {
			if presented = strings.TrimLeft(presented, " "); presented != "" && strings.EqualFold(name, string(scheme)) {
				return presented, scheme, nil
			}
		}
	}
	return "", "", &httpError{status: http.StatusUnauthorized, code: "unauthenticated", message: "An access token is needed.", challenge: "Bearer"}
}
