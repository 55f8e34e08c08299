package models

import (
	"hash/fnv"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Events of no account have the nil UUID in place of one. On Citus they would all lie on one shard, which would grow for ever. There they lie
// under 65,536 ids that no account has: the nil UUID with the last two bytes of the event's id. These are random, so they lead to
// nothing. The same ids stand for the account of an address that has none, so that all nodes share the questions of strangers.

// lastNoAccount is the last of these ids. The id of an account begins with a time and is behind it.
var lastNoAccount = uuid.UUID{14: 0xff, 15: 0xff}

// noAccountOf returns the one of these ids that belongs to an event.
func noAccountOf(event uuid.UUID) uuid.UUID { return uuid.UUID{14: event[14], 15: event[15]} }

// noAccountFor returns the one of these ids that a key without an account leads to: always the same.
func noAccountFor(key string) uuid.UUID {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key))
	sum := hash.Sum(nil)
	return uuid.UUID{14: sum[2], 15: sum[3]}
}

// isNoAccount reports whether an id is one of these; the nil UUID is.
func isNoAccount(id uuid.UUID) bool { return id == noAccountOf(id) }

// place gives an event that has its id the account under which it lies.
func (e *Event) place(tx *gorm.DB) {
	if e.UserID == uuid.Nil && isCitus(tx) {
		e.UserID = noAccountOf(e.ID)
	}
}

// BeforeCreate places the event: gorm calls it for each row that it writes.
func (e *Event) BeforeCreate(tx *gorm.DB) error {
	e.place(tx)
	return nil
}
