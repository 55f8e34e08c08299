package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/operator"
	"latchkey/models"
	"latchkey/web/wire"
)

// adminEvent is an event as a backend reads it.
type adminEvent struct {
	ID         uuid.UUID        `json:"id"`
	At         time.Time        `json:"at"`
	Kind       models.EventKind `json:"kind"`
	UserID     uuid.UUID        `json:"user_id"`
	DeviceID   *uuid.UUID       `json:"device_id"`
	DeviceName string           `json:"device_name"`
	Actor      string           `json:"actor"`
	ClientID   string           `json:"actor_client_id"`
	IP         string           `json:"ip"`
	UserAgent  string           `json:"user_agent"`
	Detail     string           `json:"detail"`
	Count      int64            `json:"count"`
}

// actorClient is the actor of what a client did for the operator.
const actorClient = "client"

func newAdminEvent(e models.Event) adminEvent {
	shown := adminEvent{
		ID: e.ID, At: e.At, Kind: e.Kind, UserID: e.UserID, DeviceName: e.DeviceName, Actor: e.Actor, ClientID: e.ActorClient, IP: e.IP, UserAgent: e.UserAgent,
		Detail: e.Detail, Count: e.More + 1,
	}
	if e.ActorClient != "" {
		shown.Actor = actorClient
	}
	if e.DeviceID.Valid {
		shown.DeviceID = &e.DeviceID.UUID
	}
	return shown
}

// AdminEvents lists what happened to all accounts, oldest first. There is always a next cursor, from which a later request goes on.
func (s *Server) AdminEvents(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	p, err := wire.DecodeQuery(r, "cursor", "limit")
	if err != nil {
		return err
	}
	from, err := placeOf(p)
	if err != nil {
		return err
	}
	list, err := by.Events(r.Context(), models.EventCursor{At: from.at, ID: from.id}, from.limit)
	if err != nil {
		return err
	}
	answer := page[adminEvent]{Items: []adminEvent{}}
	for _, e := range list {
		answer.Items, from.at, from.id = append(answer.Items, newAdminEvent(e)), e.At, e.ID
	}
	answer.Next = cursorAt(from.at, from.id)
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
