package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/dpop"
	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// failure judges the error of a request from an app. The answer carries a nonce if the proof needs one (RFC 9449 §8, §9).
func (s *Server) failure(w http.ResponseWriter, r *http.Request, err error) wire.Failure {
	f := s.judge.Failure(w, r, err)
	if f.Code == "use_dpop_nonce" {
		w.Header().Set("DPoP-Nonce", s.tokens.NewNonce())
	}
	if f.Code == "invalid_client" && len(basicCredentials(r)) > 0 { // RFC 6749 §5.2
		w.Header().Set("WWW-Authenticate", `Basic realm="latchkey"`)
	}
	return f
}

// AnswerProblem answers with problem details (RFC 9457).
func (s *Server) AnswerProblem(w http.ResponseWriter, r *http.Request, err error) {
	f := s.failure(w, r, err)
	s.challenge(w, r, &f)
	w.Header().Set("Cache-Control", "no-store")
	p := problem{
		Type: "about:blank", Title: http.StatusText(f.Status), Status: f.Status, Detail: f.Message, Code: f.Code, Errors: f.Fields, Request: wire.InfoOf(r).ID,
	}
	switch own := auth.AsError(err); own.Kind {
	case auth.KindChoosePassword, auth.KindSetUpFactor:
		p.Setup = s.base + "/login"
	case auth.KindInvalidCode:
		if own.Counted {
			p.AttemptsLeft = &own.AttemptsLeft
		}
	case auth.KindSecondFactor:
		if step := (*challenge.StepError)(nil); errors.As(err, &step) {
			p.Challenge, p.Methods, p.PublicKey = step.Challenge, step.Methods, step.PublicKey
			p.ExpiresIn = int64(challenge.AppLife / time.Second) // of both: sign-in and confirmation
		}
	default: // the others have no member of their own
	}
	_ = wire.WriteJSON(w, f.Status, "application/problem+json", p)
}

// problem is a refusal as problem details (RFC 9457), with the members that help the app to go on.
type problem struct {
	Type    string              `json:"type"`
	Title   string              `json:"title"`
	Status  int                 `json:"status"`
	Detail  string              `json:"detail"`
	Code    string              `json:"code"`
	Errors  []auth.FieldProblem `json:"errors,omitempty"`
	Setup   string              `json:"setup_uri,omitempty"`
	Request string              `json:"request_id"`

	Challenge    string             `json:"challenge,omitempty"`
	Methods      []challenge.Method `json:"methods,omitzero"`
	PublicKey    json.RawMessage    `json:"public_key,omitempty"`
	ExpiresIn    int64              `json:"expires_in,omitempty"` // seconds, of the challenge
	AttemptsLeft *int64             `json:"attempts_left,omitempty"`
}

// challenge says how an access token is to be presented (RFC 6750 §3, RFC 9449 §7.1). A bad proof is a bad request
// where tokens are given out, and unauthorised where they are used.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, f *wire.Failure) {
	algs := `algs="` + strings.Join(dpop.Algs, " ") + `"`
	if !wire.InfoOf(r).Guarded {
		return // what an Authorization header says where none is asked for means nothing
	}
	presented, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case f.Challenge == "Bearer":
		w.Header().Add("WWW-Authenticate", "DPoP "+algs)
	case f.Code == "invalid_token" && !strings.EqualFold(presented, string(token.SchemeDPoP)):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case f.Code == "invalid_token", presented != "" && (f.Code == "invalid_dpop_proof" || f.Code == "use_dpop_nonce"):
		f.Status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `DPoP error="`+f.Code+`", `+algs)
	}
}

// AnswerOAuth answers as RFC 6749 §5.2 says. Wrong fields are a bad request there, and so is an account without room for a device.
func (s *Server) AnswerOAuth(w http.ResponseWriter, r *http.Request, err error) {
	if refusal := (*grant.Refusal)(nil); errors.As(err, &refusal) {
		err = &wire.Error{Status: http.StatusBadRequest, Code: refusal.Code, OAuth: refusal.Code, Message: refusal.Description}
	}
	f := s.failure(w, r, err)
	s.challenge(w, r, &f)
	switch f.Status {
	case http.StatusConflict:
		f.Status = http.StatusBadRequest
	case http.StatusUnprocessableEntity:
		f.Status = http.StatusBadRequest
		if len(f.Fields) > 0 {
			f.Message = f.Fields[0].Field + ": " + f.Fields[0].Detail
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	_ = wire.WriteJSON(w, f.Status, wire.JSONType, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Reason      string `json:"reason,omitempty"`
	}{f.OAuth, f.Message, f.Reason})
}
