package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

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
	return f
}

// The challenges of a 401 that is not about an access token (RFC 9110 §11.6.1); some HTTP libraries fail without any.
const (
	// A client authenticates by HTTP Basic (RFC 6749 §5.2). No browser asks its person for a password because a script of an app met this:
	// across origins it does so only for requests with credentials, which CORS never allows here, and no script of our pages calls these
	// endpoints. What a person might type after a form of another site led here goes to this server alone.
	challengeClient = `Basic realm="latchkey"`
	// A person's password, code or passkey, and an app's secret beside them, go in the body, for which no scheme is registered. This one is
	// ours, so that no library takes it for its own: after "Bearer" it would send the same code again with a new access token.
	challengePerson = `Latchkey realm="latchkey"`
)

// challengeRest gives a 401 that has no challenge one.
func challengeRest(h http.Header, status int, challenge string) {
	if status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", challenge)
	}
}

// AnswerProblem answers with problem details (RFC 9457).
func (s *Server) AnswerProblem(w http.ResponseWriter, r *http.Request, err error) {
	f := s.failure(w, r, err)
	s.challenge(w, r, &f)
	challengeRest(w.Header(), f.Status, challengePerson)
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
	case auth.KindTooManyDevices:
		if full := (*challenge.FullError)(nil); errors.As(err, &full) {
			p.Challenge, p.ExpiresIn, p.Devices = full.Challenge, int64(full.ExpiresIn/time.Second), []fullDevice{}
			for _, d := range full.Devices {
				p.Devices = append(p.Devices, fullDevice{d.ID, d.Name, d.LastSeenAt.UTC()})
			}
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
	Devices      []fullDevice       `json:"devices,omitzero"` // that the challenge may replace
}

// fullDevice is a device in whose place the app may sign in.
type fullDevice struct {
	ID         uuid.UUID `json:"id"`
	Name       string    `json:"name"`
	LastSeenAt time.Time `json:"last_seen_at"`
}

// challenge says how an access token is to be presented (RFC 6750 §3, RFC 9449 §7.1), which scope it lacks, and where this API describes
// itself (RFC 9728 §5.1). A bad proof is a bad request where tokens are given out, and unauthorised where they are used.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, f *wire.Failure) {
	if !wire.InfoOf(r).Guarded {
		return // what an Authorization header says where none is asked for means nothing
	}
	algs, described := `algs="`+strings.Join(dpop.Algs, " ")+`", `, `resource_metadata="`+s.resource+`"`
	presented, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case f.Challenge == "Bearer":
		w.Header().Set("WWW-Authenticate", "Bearer "+described)
		w.Header().Add("WWW-Authenticate", "DPoP "+algs+described)
		return
	case f.Code == "invalid_token", f.Code == "insufficient_scope":
	case presented != "" && (f.Code == "invalid_dpop_proof" || f.Code == "use_dpop_nonce"):
		f.Status = http.StatusUnauthorized
	default:
		return
	}
	problem := `error="` + f.Code + `", `
	if f.Scope != "" {
		problem += `scope="` + f.Scope + `", `
	}
	if strings.EqualFold(presented, string(token.SchemeDPoP)) {
		w.Header().Set("WWW-Authenticate", "DPoP "+problem+algs+described)
		return
	}
	w.Header().Set("WWW-Authenticate", "Bearer "+problem+described)
}

// AnswerOAuth answers as RFC 6749 §5.2 says: each refusal of ours is a bad request there, whatever its status elsewhere, except that of a
// client that did not authenticate. What is wrong with the HTTP request itself keeps its status, and so does what is to be sent again.
func (s *Server) AnswerOAuth(w http.ResponseWriter, r *http.Request, err error) {
	if refusal := (*grant.Refusal)(nil); errors.As(err, &refusal) {
		err = &wire.Error{Status: http.StatusBadRequest, Code: refusal.Code, OAuth: refusal.Code, Message: refusal.Description}
	}
	f := s.failure(w, r, err)
	s.challenge(w, r, &f)
	if own := (*wire.Error)(nil); !errors.As(err, &own) && !wire.InfoOf(r).Guarded && f.Status < http.StatusInternalServerError && f.Status != http.StatusTooManyRequests && f.OAuth != "invalid_client" {
		f.Status = http.StatusBadRequest
	}
	if len(f.Fields) > 0 && f.OAuth == "invalid_request" {
		f.Message = f.Fields[0].Field + ": " + f.Fields[0].Detail
	}
	challengeRest(w.Header(), f.Status, challengeClient)
	w.Header().Set("Cache-Control", "no-store")
	_ = wire.WriteJSON(w, f.Status, wire.JSONType, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Reason      string `json:"reason,omitempty"`
	}{f.OAuth, describable(f.Message), f.Reason})
}

// describable is a text as error_description may hold it (RFC 6749 §5.2): printable ASCII without double quotes and backslashes.
func describable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("\u2018\u2019\u201c\u201d\"\\", r):
			return '\''
		case r >= ' ' && r <= '~':
			return r
		}
		return '?'
	}, text)
}
