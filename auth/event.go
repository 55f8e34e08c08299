package auth

import (
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// NewEvent returns the event of an act by an account's owner. The caller fills in what is particular to its kind.
func NewEvent(kind models.EventKind, user uuid.UUID, from Caller, at time.Time) models.Event {
	return models.Event{
		UserID: user, ID: models.NewID(at), At: at, Kind: kind, Actor: models.ActorOwner,
		IP: from.Address(), UserAgent: from.UserAgent,
	}
}

// Limited returns e with limits on how often the account may cause it. Past one of them, the act fails with KindRateLimited.
func Limited(e models.Event, limits ...models.EventLimit) models.Event {
	e.Limits = limits
	return e
}
