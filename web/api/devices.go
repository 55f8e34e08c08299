package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web/wire"
)

// Device is one device on the wire.
type Device struct {
	ID         uuid.UUID `json:"id"`
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	ClientID   string    `json:"client_id"`
	Current    bool      `json:"current"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	LastIP     string    `json:"last_ip"`
	UserAgent  string    `json:"user_agent"`
	ExpiresAt  time.Time `json:"expires_at"`
	// SignedInBy is a models.SignInMethod; empty when unknown. ThroughAgent is the User-Agent of the browser that an app signed in through; empty for
	// other devices.
	SignedInBy   string `json:"signed_in_by"`
	ThroughAgent string `json:"through_user_agent"`
}

// NewDevice shows a row. current says that the device itself asks.
func NewDevice(d models.Device, current bool) Device {
	return Device{
		ID: d.ID, Name: d.Name, Kind: d.Kind, ClientID: d.ClientID, Current: current, CreatedAt: d.CreatedAt, LastSeenAt: d.LastSeenAt,
		LastIP: d.LastIP, UserAgent: d.UserAgent, ExpiresAt: d.ExpiresAt, SignedInBy: string(d.SignedInBy), ThroughAgent: d.ThroughAgent,
	}
}

// Devices lists the owner's live devices.
func (s *Server) Devices(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	list, current, err := s.devices.ListByToken(r.Context(), claims)
	if err != nil {
		return err
	}
	devices := make([]Device, 0, len(list))
	for _, d := range list {
		devices = append(devices, NewDevice(d, d.ID == current))
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, map[string]any{"devices": devices})
}
