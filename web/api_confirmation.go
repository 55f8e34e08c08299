package web

import (
	"net/http"

	"latchkey/auth/confirm"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// apiConfirmation confirms with the password that the owner is there. The answer is a secret for one act.
func (s *Server) apiConfirmation(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "password")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	done, err := s.confirm.App(r.Context(), confirm.AppRequest{Claims: claims, Password: p["password"], From: from})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, done)
}

// apiConfirmationPasskey begins a confirmation with a passkey alone. Its body is not read: there is nothing to say.
func (s *Server) apiConfirmationPasskey(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	start, err := s.confirm.StartApp(r.Context(), claims)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, start)
}

// apiConfirmationFactor ends a confirmation with its second step, or with a passkey alone.
func (s *Server) apiConfirmationFactor(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	a, err := s.stepAnswer(r)
	if err != nil {
		return err
	}
	done, err := s.confirm.FinishApp(r.Context(), claims, a)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, done)
}
