package api

import (
	"net/http"

	"latchkey/auth/signin"
	"latchkey/web/wire"
)

// LoginPasskey begins a sign-in with a passkey alone, which LoginFactor ends.
func (s *Server) LoginPasskey(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "device_name", "client_id", "client_secret", "installation_id", "old_refresh_token")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if err := s.checkApp(r.Context(), p, from); err != nil {
		return err
	}
	start, err := s.signIn.StartPasskeyApp(r.Context(), signin.AppStart{
		DeviceName: p["device_name"], ClientID: p["client_id"], From: from, Proof: s.proof(w, r), Installation: installationOf(p),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, start)
}
