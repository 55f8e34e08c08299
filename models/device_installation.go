package models

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Installation is what an app that signs in says and proves about the phone that it is on. A sign-in that proves that it comes from the
// device of an earlier one takes that device's place and name.
type Installation struct {
	// Hashes are keyed hashes of what the app calls itself there, under each key that counts. The first is stored.
	Hashes [][]byte
	Old    *OldToken // the device token of the earlier sign-in; nil: none came
	// Most is how many devices of one installation may be replaced in Within. After them the earlier device stays, and an event tells that
	// two phones share the installation.
	Most   int64
	Within time.Duration
	Mail   func(Device) MailWithLinks // makes the mail about a device that took another one's place, instead of NewDevice.Alert.Single
}

// OldToken is a device token whose MAC the caller has checked.
type OldToken struct {
	Key        DeviceKey
	SecretHash []byte
	Generation int64
}

// placed is what came of an Installation.
type placed struct {
	gone   []Device // the device whose place was taken
	name   string   // that the new device takes over; empty: none
	shared *Device  // the device that was proved and stays, because too many were replaced; nil: none
}

// takePlace signs the device out whose place d takes. A proof of anything else proves nothing, and is not told from no proof: a stranger
// must not learn from it which devices there are.
func (n NewDevice) takePlace(tx *gorm.DB, h held, d Device) (p placed, err error) {
	i := n.Installation
	if i == nil || d.Kind != KindApp {
		return p, nil
	}
	if err := i.rekey(tx, h, d); err != nil {
		return p, err
	}
	old := i.provedOf(h, d)
	if old == nil {
		p.name, err = i.formerName(tx, d)
		return p, err
	}
	var replaced int64
	err = tx.Model(&Device{}).Where("user_id = ? AND kind = ? AND client_id = ? AND installation IN ? AND revoke_reason = ? AND revoked_at > ?",
		d.UserID, KindApp, d.ClientID, i.Hashes, RevokedByNewSignIn, dbTime(d.CreatedAt.Add(-i.Within))).Count(&replaced).Error
	if err != nil {
		return p, err
	}
	if replaced >= i.Most {
		p.shared = old
		return p, nil
	}
	e := n.Event
	e.ID, e.Kind, e.Detail = uuid.Nil, EventDeviceReplaced, string(RevokedByNewSignIn)
	// A refresh may have come since the devices were read: the proof must still hold.
	p.gone, err = revokeWhere(tx, DeviceKey{d.UserID, old.ID}, e, " AND "+provedCondition, i.proof(d)...)
	if len(p.gone) > 0 {
		p.name = p.gone[0].Name
	}
	return p, err
}

// nameFor is the name of the new device: the one that it takes over, if that is free, or the one that the app asks for.
func (n NewDevice) nameFor(p placed, taken func(string) bool) string {
	if p.name != "" && !taken(p.name) {
		return p.name
	}
	return n.FreeName(taken)
}

// provedOf returns the device of the same installation that the sign-in proves to come from: by its device token or its key. Of several
// with one key it is the one that was unseen longest: the phone that must sign in again has not been refreshing.
func (i *Installation) provedOf(h held, d Device) *Device {
	for _, other := range h {
		if i.isOf(other, d) && i.Old != nil && i.Old.proves(other, d) {
			return &other
		}
	}
	for _, other := range h {
		if i.isOf(other, d) && other.JKT != "" && other.JKT == d.JKT {
			return &other
		}
	}
	return nil
}

// isOf tells whether a device has the installation of d, and is of its client.
func (i *Installation) isOf(other, d Device) bool {
	return other.Kind == KindApp && other.ClientID == d.ClientID && len(other.Installation) > 0 &&
		slices.ContainsFunc(i.Hashes, func(hash []byte) bool { return bytes.Equal(hash, other.Installation) })
}

// proves tells whether the token is the only living one of a device. After a fork there are two, and one of them may be a thief's. A
// device that is bound to a key needs that key besides.
func (t *OldToken) proves(other, d Device) bool {
	return t.Key == DeviceKey{other.UserID, other.ID} && bytes.Equal(t.SecretHash, other.SecretHash) &&
		t.Generation == other.Generation && other.Floor == other.Generation && (other.JKT == "" || other.JKT == d.JKT)
}

// provedCondition says in SQL what provedOf says: its parameters are proof.
const provedCondition = `kind = 'app' AND client_id = ? AND installation IN ? AND
	(jkt <> '' AND jkt = ? OR id = ? AND secret_hash = ? AND generation = ? AND floor = generation AND jkt IN ('', ?))`

func (i *Installation) proof(d Device) []any {
	old := OldToken{}
	if i.Old != nil && i.Old.Key.UserID == d.UserID {
		old = *i.Old
	}
	return []any{d.ClientID, i.Hashes, d.JKT, old.Key.ID, nonNil(old.SecretHash), old.Generation, d.JKT}
}

// honestEnds are the reasons for which a phone may have its name back: it ended by age, or by an act of its owner.
var honestEnds = []EndReason{RevokedBySignOut, RevokedByOwner, RevokedByPassword, RevokedByExpiry, RevokedByIdleness, RevokedForRoom}

// formerName returns the name of the device that the sign-in proves to come from, where that has ended, or "".
func (i *Installation) formerName(tx *gorm.DB, d Device) (string, error) {
	if i.Old == nil && d.JKT == "" {
		return "", nil
	}
	var names []string
	err := tx.Model(&Device{}).Where("user_id = ? AND revoked_at IS NOT NULL AND revoke_reason IN ? AND "+provedCondition, append([]any{d.UserID, honestEnds}, i.proof(d)...)...).
		Order("revoked_at DESC, id DESC").Limit(1).Pluck("name", &names).Error
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

// rekey gives the live devices of the installation the present hash, after a change of the server's secret. Otherwise pages could not
// tell that they belong together.
func (i *Installation) rekey(tx *gorm.DB, h held, d Device) error {
	stale := slices.ContainsFunc(h, func(other Device) bool { return i.isOf(other, d) && !bytes.Equal(other.Installation, i.Hashes[0]) })
	if !stale {
		return nil
	}
	return tx.Exec("UPDATE devices SET installation = ? WHERE user_id = ? AND kind = ? AND client_id = ? AND installation IN ?",
		i.Hashes[0], d.UserID, KindApp, d.ClientID, i.Hashes[1:]).Error
}

// tellOwner writes the mail about a sign-in: about the place that it took or, if it is unfamiliar, about itself. It also writes the event
// about an installation that two phones share.
func (n NewDevice) tellOwner(tx *gorm.DB, p placed, d Device, unfamiliar bool) error {
	if len(p.gone) > 0 && n.Alert != nil {
		alert := *n.Alert
		alert.Single = n.Installation.Mail // it tells about both
		return addSignInMail(tx, d, alert)
	}
	if p.shared != nil {
		if err := n.tellShared(tx, p, d); err != nil {
			return err
		}
	}
	if !unfamiliar {
		return nil
	}
	return addSignInMail(tx, d, *n.Alert)
}

// tellShared writes the event about an installation that two phones share, once in Within.
func (n NewDevice) tellShared(tx *gorm.DB, p placed, d Device) error {
	i := n.Installation
	var told int64
	err := tx.Model(&Event{}).Where("user_id = ? AND kind = ? AND at > ?", d.UserID, EventInstallationShared, dbTime(d.CreatedAt.Add(-i.Within))).
		Where("device_id IN (?)", tx.Model(&Device{}).Select("id").Where("user_id = ? AND client_id = ? AND installation = ?", d.UserID, d.ClientID, i.Hashes[0])).
		Count(&told).Error
	if err != nil || told > 0 {
		return err
	}
	e := n.Event
	e.ID, e.Kind, e.Detail = uuid.Nil, EventInstallationShared, p.shared.Name
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: d.ID, Valid: true}, d.Name
	return addEvent(tx, e)
}
