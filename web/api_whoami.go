package web

import (
	"net/http"
	"time"

	"latchkey/auth/token"
)

// apiWhoami tells what the access token says, without a query.
func (s *Server) apiWhoami(w http.ResponseWriter, _ *http.Request, claims *token.Claims) error {
	return writeJSON(w, http.StatusOK, jsonType, struct {
		Subject    string    `json:"sub"`
		DeviceID   string    `json:"device_id"`
		DeviceName string    `json:"device_name"` // empty when the claim is turned off
		ClientID   string    `json:"client_id"`
		ExpiresAt  time.Time `json:"expires_at"`
	}{claims.Subject, claims.SessionID, claims.DeviceName, claims.ClientID, time.Unix(claims.ExpiresAt, 0).UTC()})
}
