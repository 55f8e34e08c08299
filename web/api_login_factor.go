package web

import (
	"net/http"

	"latchkey/auth/signin"
)

// apiLoginFactor ends a sign-in with its second step, or with a passkey alone.
func (s *Server) apiLoginFactor(w http.ResponseWriter, r *http.Request) error {
	a, err := s.stepAnswer(r)
	if err != nil {
		return err
	}
	a.Proof = s.proof(w, r)
	answer, err := s.signIn.FinishApp(r.Context(), a)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, answer)
}

// stepAnswer reads an app's answer to a challenge.
func (s *Server) stepAnswer(r *http.Request) (a signin.StepAnswer, err error) {
	p, err := decode(r, []string{jsonType}, "challenge", "method", "code", "credential"+objectMark)
	if err != nil {
		return a, err
	}
	from, err := s.caller(r)
	return signin.StepAnswer{
		Challenge: p["challenge"], Method: signin.StepMethod(p["method"]), Code: p["code"], Credential: []byte(p["credential"]), From: from,
	}, err
}
