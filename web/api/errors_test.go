package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"latchkey/auth"
	"latchkey/models"
	"latchkey/web/wire"
)

// RFC 6749 §5.2: a refusal is 400, or 401 for a client that did not authenticate. What is to be sent again, and what is wrong with the HTTP
// request itself, keep their statuses.
func TestRefusalsAtTheOAuthEndpointsHaveTheStatusesOfTheRFC(t *testing.T) {
	s := &Server{judge: wire.Judge{Log: slog.New(slog.DiscardHandler)}}
	describable := regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6749 §5.2
	check := func(name string, err error, status int, code string) {
		t.Helper()
		w := httptest.NewRecorder()
		s.AnswerOAuth(w, httptest.NewRequest(http.MethodPost, "/oauth/token", nil), err)
		var body struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal(w.Body.Bytes(), &body) != nil || w.Code != status || code != "" && body.Error != code || !describable.MatchString(body.Description) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, status, code)
		}
	}
	const message = "You’re “here”\\ \"now\"…"
	for kind, c := range map[auth.Kind]struct {
		status int
		code   string
	}{
		auth.KindInternal: {500, "temporarily_unavailable"}, auth.KindUnavailable: {503, "temporarily_unavailable"}, auth.KindRateLimited: {429, "temporarily_unavailable"},
		auth.KindInvalidClient: {401, "invalid_client"}, auth.KindUnauthorizedClient: {400, "unauthorized_client"}, auth.KindInvalidGrant: {400, "invalid_grant"},
		auth.KindInvalidRequest: {400, "invalid_request"}, auth.KindInvalidCredential: {400, "invalid_grant"}, auth.KindAccountDisabled: {400, "invalid_grant"},
		auth.KindTooManyDevices: {400, "invalid_grant"}, auth.KindChoosePassword: {400, "invalid_grant"}, auth.KindSecondFactor: {400, "invalid_grant"},
		auth.KindSetUpFactor: {400, "invalid_grant"}, auth.KindInvalidCode: {400, "invalid_grant"}, auth.KindInvalidChallenge: {400, "invalid_grant"},
		auth.KindSignedOut: {400, "invalid_grant"}, auth.KindNotFound: {400, "invalid_request"}, auth.KindInvalidProof: {400, "invalid_dpop_proof"},
	} {
		check(message, auth.Refuse(kind, message), c.status, c.code)
	}
	for kind := auth.KindInternal; kind <= auth.KindUseNonce; kind++ { // whatever is added: 400, unless it is said above
		switch kind {
		case auth.KindInternal, auth.KindUnavailable, auth.KindRateLimited, auth.KindInvalidClient, auth.KindUseNonce:
		default:
			check("another kind", auth.Refuse(kind, message), 400, "")
		}
	}
	check("a field", auth.InvalidField("client_id", "It’s missing."), 400, "invalid_request")
	check("an error of the store", models.ErrUnavailable, 503, "temporarily_unavailable")
	check("no route", wire.ErrNoRoute, 404, "invalid_request")
	check("a method", wire.ErrMethod, 405, "invalid_request")
	check("a body", wire.BadBody("token is missing.", nil), 400, "invalid_request")
	check("a media type", &wire.Error{Status: 415, Message: "Send a form."}, 415, "invalid_request")
}
