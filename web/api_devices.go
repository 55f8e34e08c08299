package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/web/wire"
)

// apiDevice is one device on the wire.
type apiDevice struct {
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
}

func newAPIDevice(d models.Device, current bool) apiDevice {
	return apiDevice{
		ID: d.ID, Name: d.Name, Kind: d.Kind, ClientID: d.ClientID, Current: current, CreatedAt: d.CreatedAt, LastSeenAt: d.LastSeenAt,
		LastIP: d.LastIP, UserAgent: d.UserAgent, ExpiresAt: d.ExpiresAt,
	}
}

// apiDevices lists the owner's live devices.
func (s *Server) apiDevices(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	list, current, err := s.devices.ListByToken(r.Context(), claims)
	if err != nil {
		return err
	}
	devices := make([]apiDevice, 0, len(list))
	for _, d := range list {
		devices = append(devices, newAPIDevice(d, d.ID == current))
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, map[string]any{"devices": devices})
}
