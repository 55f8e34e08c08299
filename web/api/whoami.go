package api

import (
	"net/http"
	"time"

	"latchkey/auth/token"
	"latchkey/web/wire"
)

// Whoami tells what the access token says, without a query.
func (s *Server) Whoami(w http.ResponseWriter, _ *http.Request, claims *token.Claims) error {
	answer := struct {
		Subject    string     `json:"sub"`
		DeviceID   string     `json:"device_id"`
		DeviceName string     `json:"device_name"` // empty when the claim is turned off
		ClientID   string     `json:"client_id"`
		ExpiresAt  time.Time  `json:"expires_at"`
		AuthTime   *time.Time `json:"auth_time,omitempty"` // missing, like the next two, in a token that does not say it
		AMR        []string   `json:"amr,omitempty"`
		ACR        string     `json:"acr,omitempty"`
	}{
		Subject: claims.Subject, DeviceID: claims.SessionID, DeviceName: claims.DeviceName, ClientID: claims.ClientID,
		ExpiresAt: time.Unix(claims.ExpiresAt, 0).UTC(), AMR: claims.AMR, ACR: claims.ACR,
	}
	if claims.AuthTime != 0 {
		at := time.Unix(claims.AuthTime, 0).UTC()
		answer.AuthTime = &at
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
