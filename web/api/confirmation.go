package api

import (
	"net/http"

	"latchkey/auth/confirm"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// Confirmation confirms with the password that the owner is there. The answer is a secret for one act.
func (s *Server) Confirmation(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
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

// ConfirmationPasskey begins a confirmation with a passkey alone. Its body is not read: there is nothing to say.
func (s *Server) ConfirmationPasskey(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	start, err := s.confirm.StartApp(r.Context(), claims)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, start)
}

// ConfirmationFactor ends a confirmation with its second step, or with a passkey alone.
func (s *Server) ConfirmationFactor(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
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
