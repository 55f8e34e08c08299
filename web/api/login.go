package api

import (
	"net/http"

	"latchkey/auth/signin"
	"latchkey/web/wire"
)

// Login signs a person in on a device.
func (s *Server) Login(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "email", "password", "device_name", "client_id")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	answer, err := s.signIn.Login(r.Context(), signin.LoginRequest{
		Email: p["email"], Password: p["password"], DeviceName: p["device_name"], ClientID: p["client_id"], From: from,
		Proof: s.proof(w, r),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
