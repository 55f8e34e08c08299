package models

import (
	"errors"
	"slices"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Room says how an app that signs in gets its place among the devices of its client.
type Room struct {
	Max           int     // live devices of the client; 0: no limit
	ReplaceOldest bool    // at the limit, the devices that were unseen longest are signed out; otherwise AddDevice refuses
	Budget        *Budget // counts the sign-ins that did so; when it is used up, AddDevice refuses
	// Leave is the device of the client that its owner chose to sign out: the new one takes its place, whatever the limits. If it has ended
	// already, the limits count. AddDevice returns ErrNotFound if the account never had such a device of the client. Nil: none was chosen.
	Leave *uuid.UUID
	// Mail makes the mail about the devices that were signed out. Nil: no mail.
	Mail func(gone []Device) MailWithLinks
}

// makeRoom makes room for d and returns the apps that it signed out for that: the one that the owner chose goes in any case. Otherwise a device
// that took another one's place needs no room, whatever the limits. makeRoom returns ErrTooManyDevices where it may not make room.
func makeRoom(tx *gorm.DB, h held, d Device, n NewDevice, p placed) (gone []Device, err error) {
	if d.Kind == KindApp && n.Room != nil {
		if gone, err = n.Room.leave(tx, h, d, n.Event); err != nil || len(gone) > 0 {
			return gone, err
		}
	}
	if len(p.gone) > 0 {
		return nil, nil
	}
	if d.Kind == KindApp && n.Room != nil {
		if gone, err = n.Room.make(tx, h, d, n.Event); err != nil {
			return nil, err
		}
	}
	same := slices.DeleteFunc(slices.Clone(h), func(other Device) bool { return other.Kind != d.Kind })
	if n.Max <= 0 || len(same)-len(gone) < n.Max {
		return gone, nil
	}
	if d.Kind == KindApp {
		return nil, ErrTooManyDevices
	}
	_, err = signOutForRoom(tx, same[:len(same)-n.Max+1], ActorSystem, RevokedByLimit, n.Event)
	return nil, err
}

// leave signs the chosen device out.
func (r *Room) leave(tx *gorm.DB, h held, d Device, by Event) (gone []Device, err error) {
	if r.Leave == nil {
		return nil, nil
	}
	for _, other := range h {
		if other.ID == *r.Leave && other.Kind == KindApp && other.ClientID == d.ClientID {
			return signOutForRoom(tx, held{other}, ActorOwner, RevokedForRoom, by)
		}
	}
	var ended int64
	err = tx.Model(&Device{}).Where("user_id = ? AND id = ? AND kind = ? AND client_id = ?", d.UserID, *r.Leave, KindApp, d.ClientID).Count(&ended).Error
	if err != nil || ended == 0 {
		return nil, orRefuse(err, ErrNotFound)
	}
	return nil, nil
}

// make makes room among the devices of the client of d.
func (r *Room) make(tx *gorm.DB, h held, d Device, by Event) (gone []Device, err error) {
	own := slices.DeleteFunc(slices.Clone(h), func(other Device) bool { return other.Kind != KindApp || other.ClientID != d.ClientID })
	if r.Max <= 0 || len(own) < r.Max {
		return nil, nil
	}
	if !r.ReplaceOldest {
		return nil, ErrTooManyDevices
	}
	if r.Budget != nil {
		if err := spend(tx, []Budget{*r.Budget}, d.CreatedAt); err != nil {
			if errors.Is(err, ErrSpent) {
				err = ErrTooManyDevices
			}
			return nil, err
		}
	}
	return signOutForRoom(tx, own[:len(own)-r.Max+1], ActorSystem, RevokedForRoom, by)
}

// signOutForRoom signs devices out and writes an event about each. It returns those that were live until now.
func signOutForRoom(tx *gorm.DB, list held, actor string, reason EndReason, by Event) (gone []Device, err error) {
	for _, d := range list {
		e := by
		e.ID, e.Kind, e.Actor, e.Detail = uuid.Nil, EventDeviceRevoked, actor, string(reason)
		rows, err := revokeOne(tx, DeviceKey{d.UserID, d.ID}, e)
		if err != nil {
			return nil, err
		}
		gone = append(gone, rows...)
	}
	return gone, nil
}

func addRoomMail(tx *gorm.DB, gone []Device, r *Room) error {
	if len(gone) == 0 || r == nil || r.Mail == nil {
		return nil
	}
	return addMail(tx, r.Mail(gone))
}
