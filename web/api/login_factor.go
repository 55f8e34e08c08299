package api

import (
	"net/http"

	"latchkey/auth/challenge"
	"latchkey/web/wire"
)

// LoginFactor ends a sign-in with its second step, or with a passkey alone.
func (s *Server) LoginFactor(w http.ResponseWriter, r *http.Request) error {
	a, err := s.stepAnswer(r)
	if err != nil {
		return err
	}
	answer, err := s.signIn.FinishApp(r.Context(), a, s.proof(w, r))
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

// stepAnswer reads an app's answer to a challenge.
func (s *Server) stepAnswer(r *http.Request) (a challenge.Answer, err error) {
	p, err := wire.Decode(r, []string{wire.JSONType}, "challenge", "method", "code", "credential"+wire.ObjectMark)
	if err != nil {
		return a, err
	}
	from, err := s.caller(r)
	return challenge.Answer{
		Challenge: p["challenge"], Method: challenge.Method(p["method"]), Code: p["code"], Credential: []byte(p["credential"]), From: from,
	}, err
}
