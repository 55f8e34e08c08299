package auth

import (
	"github.com/google/uuid"

	"latchkey/models"
)

// SentInstallation is what an app that signs in sends about the phone that it is on, unchecked.
type SentInstallation struct {
	ID       string // a UUID that the app made at its first start; empty: it sends none
	OldToken string // the device token of its last sign-in there; empty, or not a live one: it proves nothing
}

// Installation is a SentInstallation that was read. The zero value says nothing. While a request waits for its person it is sealed; its field
// names are stored.
type Installation struct {
	ID     uuid.UUID        `json:",omitzero"`  // never written to the database, not even sealed: the hashes take its place before
	Hashes [][]byte         `json:",omitempty"` // see token.Service.KeyInstallation
	Old    *models.OldToken `json:",omitempty"`
}

// None tells that the app said nothing.
func (i Installation) None() bool { return i.ID == uuid.Nil && len(i.Hashes) == 0 }
