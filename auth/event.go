package auth

import (
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// NewEvent begins the event of an owner's act.
func NewEvent(kind models.EventKind, user uuid.UUID, from Caller, at time.Time) models.Event {
	return models.Event{
		UserID: user, ID: models.NewID(at), At: at, Kind: kind, Actor: models.ActorOwner,
		IP: from.Address(), UserAgent: from.UserAgent,
	}
}

// Limited bounds how often an owner may do the act of an event: past a limit the act returns KindRateLimited.
func Limited(e models.Event, limits ...models.EventLimit) models.Event {
	e.Limits = limits
	return e
}
