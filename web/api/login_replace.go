package api

import (
	"net/http"

	"latchkey/auth/signin"
	"latchkey/web/wire"
)

// LoginReplace ends a sign-in that found too many devices: it signs one of them out.
func (s *Server) LoginReplace(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "challenge", "replace")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	answer, err := s.signIn.Replace(r.Context(), signin.Replacement{Challenge: p["challenge"], Replace: p["replace"], Proof: s.proof(w, r), From: from})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
