package models

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// DeviceKey names one device.
type DeviceKey struct{ UserID, ID uuid.UUID }

// NewDevice is a sign-in that the caller has verified.
type NewDevice struct {
	Device Device
	// Verified is the password hash that the caller checked; the sign-in fails when the account has another by now, or when it is locked.
	// Empty: no password was asked for.
	Verified string
	Rehashed string // the same password hashed with stronger parameters; empty: the hash stays
	// FreeName picks the device's name. taken reports whether a name looks like that of another device of the owner.
	FreeName func(taken func(string) bool) string
	// StatusIndex returns the index in the status lists to try, for try 0, 1, 2 and so on; nil: the device gets no index.
	StatusIndex  func(try int) int64
	Max          int   // live devices of this kind, 0: no limit; at the limit an app is refused and the longest unseen browser is signed out
	Room         *Room // the limit of the app's own client; nil: it has none
	Live         Liveness
	Installation *Installation // of an app; nil: it named none
	Replace      *DeviceKey    // the earlier sign-in of this browser, which this one revokes; nil: there is no earlier one
	// Repeats are the hashes of the secrets that earlier submissions of the same form would have got. When nothing was replaced and
	// a live browser of the account has one of them, AddDevice returns that browser and adds nothing.
	Repeats      [][]byte
	KnownOrigins [][]byte  // added to the account's known origins
	Spend        []Budget  // each counts this sign-in; when one is used up, AddDevice returns ErrSpent
	Uncount      []Counter // failures counted in advance, taken back because the password was right
	Event        Event     // AddDevice fills in its device
	// Alert makes the mail about this sign-in; nil: no mail. The first sign-in of an account causes no mail, nor does one whose
	// BrowserKey is a known origin of the account.
	Alert      *SignInAlert
	BrowserKey []byte // empty for apps

	FactorsVersion int64           // User.FactorsVersion that the caller read
	Challenge      *ChallengeUse   // used with the sign-in; nil: no challenge
	First          *ChallengeUse   // an earlier challenge, used up together with Challenge unless it has expired; may be nil
	Factor         *FactorUse      // used with the sign-in; nil: no factor was asked for
	Trust          *TrustedBrowser // from now on the browser skips the second step; AddDevice fills in its user
	Trusted        *uuid.UUID      // the trusted browser that the second step was skipped for; nil: none
	Silent         *SilentUse      // stands for the page of an app that signs in without one; nil: the person saw a page, or needs none
}

// AddDevice signs a device in, in one transaction, and returns it. When Repeats finds an earlier sign-in, it returns that one with
// only the name, the times, SecretHash and FormerHash filled in. It returns ErrChanged when the password or the factors changed, the account was
// disabled or the trusted browser ended since the caller verified them, ErrUsed when the challenge or the factor was used before,
// ErrTooManyDevices past a limit for apps, ErrSpent past a budget, ErrNotFound for a device to leave that the account never had, and ErrNoConsent if the consent has ended that stands for a page.
func (s *Store) AddDevice(ctx context.Context, n NewDevice) (Device, error) {
	for _, t := range []*time.Time{&n.Device.CreatedAt, &n.Device.LastSeenAt, &n.Device.ExpiresAt, &n.Device.RotatedAt} {
		*t = dbTime(*t)
	}
	n.Device.ProvedAt = dbTimeOrNil(n.Device.ProvedAt)
	var d Device
	crowded := false
	err := s.tx(ctx, func(tx *gorm.DB) error {
		d, crowded = n.Device, false // a first attempt may have been rolled back
		if err := lockSignInUsers(tx, d, n); err != nil {
			return err
		}
		if err := needConsent(tx, d.UserID, n.Silent); err != nil {
			return err
		}
		if err := spend(tx, n.Spend, d.CreatedAt); err != nil {
			return err
		}
		if err := takeStatusIndex(tx, &d, n.StatusIndex); err != nil {
			return err
		}
		unfamiliar, err := isUnfamiliar(tx, d.UserID, n)
		if err != nil {
			return err
		}
		replaced := false
		if n.Replace != nil {
			if replaced, err = replaceBrowser(tx, *n.Replace, n.Event); err != nil {
				return err
			}
		}
		held, had, err := heldDevices(tx, d.UserID, n.Live)
		if err != nil {
			return err
		}
		d.Seq = had.Seq + 1
		earlier, repeated := held.withSecret(n.Repeats)
		if repeated = repeated && !replaced; repeated {
			d = earlier
		}
		if err := useProofs(tx, d, n); err != nil {
			return err
		}
		if repeated {
			return decrementCounters(tx, n.Uncount)
		}
		crowded = had.Ended > keptEnded(len(held)+1)
		place, err := n.takePlace(tx, held, d)
		if err != nil {
			return err
		}
		held = held.without(place.gone)
		gone, err := makeRoom(tx, held, d, n, place)
		if err != nil {
			return err
		}
		d.Name = n.nameFor(place, held.without(gone).taken(d.ID))
		d.NameKey = NameKey(d.Name)
		if err := tx.Create(&d).Error; err != nil {
			return err
		}
		if err := addKnownOrigins(tx, d.UserID, n.KnownOrigins, d.CreatedAt); err != nil {
			return err
		}
		n.Event.DeviceID, n.Event.DeviceName = uuid.NullUUID{UUID: d.ID, Valid: true}, d.Name
		if err := addEvent(tx, n.Event); err != nil {
			return err
		}
		if err := addSecondStep(tx, d, n); err != nil {
			return err
		}
		if err := addRoomMail(tx, gone, n.Room); err != nil {
			return err
		}
		if err := n.tellOwner(tx, place, d, unfamiliar); err != nil {
			return err
		}
		return decrementCounters(tx, n.Uncount) // last: every sign-in from the same network waits for this row
	})
	if err == nil && crowded {
		_ = s.pruneDevices(ctx, d.UserID, n.Live.Now) // after an error the next sign-in prunes
	}
	return d, wrapErr("add device", err)
}

// isUnfamiliar reports whether to mail the owner about a sign-in. The first sign-in causes no mail: the events then still include
// the creation of the account and no sign-in. When the creation is missing, retention may have deleted earlier sign-ins too.
func isUnfamiliar(tx *gorm.DB, userID uuid.UUID, n NewDevice) (bool, error) {
	if n.Alert == nil || n.Alert.Always {
		return n.Alert != nil, nil
	}
	var known, first bool
	err := tx.Raw(`SELECT EXISTS (SELECT 1 FROM known_places WHERE user_id = ? AND place = ?),
		EXISTS (SELECT 1 FROM events WHERE user_id = ? AND kind = ?)
			AND NOT EXISTS (SELECT 1 FROM events WHERE user_id = ? AND kind = ?)`,
		userID, append([]byte{}, n.BrowserKey...), userID, EventAccountCreated, userID, EventSignIn).Row().Scan(&known, &first)
	return !known && !first, err
}

// errSameName rolls back a rename that would change nothing.
var errSameName = errors.New("the device has that name")

// RenameDevice gives a live device the name that freeName picks and returns the device. The event's device name is the old name,
// its detail the new one. When the name is the same, nothing is written. The challenges that confirm the act are used with it, but not
// for the same name. RenameDevice returns ErrNotFound when the device is not live, ErrChanged when the account is disabled, ErrUsed when
// a challenge was used before or is gone, and a LimitError past a limit of the event.
func (s *Store) RenameDevice(ctx context.Context, key DeviceKey, live Liveness, freeName func(taken func(string) bool) string, e Event, confirmed ...ChallengeUse) (Device, error) {
	var d Device
	err := s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockVerifiedUser(tx, key.UserID, "", "", live.Now); err != nil {
			return err
		}
		if err := useForAct(tx, key, confirmed, live.Now); err != nil {
			return err
		}
		held, _, err := heldDevices(tx, key.UserID, live)
		if err != nil {
			return err
		}
		for _, h := range held {
			if h.ID == key.ID {
				e.DeviceName = h.Name
			}
		}
		name := freeName(held.taken(key.ID))
		if e.DeviceName == name {
			if err := live.of(key.UserID, tx).Where("id = ?", key.ID).Take(&d).Error; err != nil {
				return err
			}
			return errSameName
		}
		done := live.of(key.UserID, tx.Model(&d).Clauses(clause.Returning{})).Where("id = ?", key.ID).
			UpdateColumns(map[string]any{"name": name, "name_key": NameKey(name)})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		e.DeviceID, e.Detail = uuid.NullUUID{UUID: key.ID, Valid: true}, name
		return addEvent(tx, e)
	})
	if errors.Is(err, errSameName) {
		err = nil
	}
	return d, wrapErr("rename device", err)
}

type held []Device

// had is what an account has had beside its devices that are not revoked.
type had struct {
	Ended int64 // revoked devices that are kept
	Seq   int64 // the latest of a device or a factor
}

// heldDevices revokes the devices that are expired or idle, which frees their names and makes room, and lists the rest, longest
// unseen first. The caller has locked the user's row.
func heldDevices(tx *gorm.DB, userID uuid.UUID, live Liveness) (list held, before had, err error) {
	list, before, err = notRevoked(tx, userID)
	if err != nil || !slices.ContainsFunc(list, live.over) {
		return list, before, err
	}
	now := dbTime(live.Now)
	var over []endedDevice
	err = tx.Raw(`UPDATE devices SET revoked_at = ?, revoked_by = 'system', revoke_reason = CASE WHEN expires_at <= ? THEN ? ELSE ? END
		WHERE user_id = ? AND revoked_at IS NULL AND NOT (`+live.conditionOfUser()+`) RETURNING `+noticeColumns,
		append([]any{now, now, RevokedByExpiry, RevokedByIdleness, userID}, live.argsOf(userID)...)...).Scan(&over).Error
	if err != nil {
		return nil, had{}, err
	}
	if len(over) == 0 { // the shorter limit did not apply, or a refresh came between
		return list, before, nil
	}
	if err := noteRevoked(tx, over, live.Now); err != nil {
		return nil, had{}, err
	}
	return notRevoked(tx, userID) // read again: a refresh may have come between
}

// notRevoked lists the devices that are not revoked, and tells of the others, in one query.
func notRevoked(tx *gorm.DB, userID uuid.UUID) (list held, before had, err error) {
	var rows []struct {
		Device         `gorm:"embedded"`
		Ended          int64
		Newest, Factor int64
	}
	err = tx.Raw(`SELECT d.user_id, d.id, d.kind, d.client_id, d.name, d.last_seen_at, d.expires_at, d.secret_hash, d.former_hash,
			d.generation, d.floor, d.jkt, d.installation, c.ended, c.newest, f.factor
		FROM (SELECT count(revoked_at) AS ended, coalesce(max(seq), 0) AS newest FROM devices WHERE user_id = ?) AS c
		CROSS JOIN (SELECT coalesce(max(seq), 0) AS factor FROM factors WHERE user_id = ?) AS f
		LEFT JOIN devices d ON d.user_id = ? AND d.revoked_at IS NULL ORDER BY d.last_seen_at, d.id`, userID, userID, userID).Scan(&rows).Error
	for _, row := range rows {
		before = had{row.Ended, max(row.Newest, row.Factor)}
		if row.ID != uuid.Nil { // nil: the left join found no device
			list = append(list, row.Device)
		}
	}
	return list, before, err
}

// withSecret returns the browser whose secret, present or former, has one of the hashes.
func (h held) withSecret(hashes [][]byte) (Device, bool) {
	for _, d := range h {
		if d.Kind == KindBrowser && slices.ContainsFunc(hashes, func(hash []byte) bool {
			return bytes.Equal(hash, d.SecretHash) || bytes.Equal(hash, d.FormerHash)
		}) {
			return d, true
		}
	}
	return Device{}, false
}

// without returns the list without some of its devices.
func (h held) without(gone []Device) held {
	return slices.DeleteFunc(slices.Clone(h), func(d Device) bool {
		return slices.ContainsFunc(gone, func(g Device) bool { return g.ID == d.ID })
	})
}

// taken returns a function that reports whether a name looks like that of a device other than but.
func (h held) taken(but uuid.UUID) func(string) bool {
	names := make(lookAlikeNames, 4*len(h))
	for _, d := range h {
		if d.ID != but {
			names.add(d.Name)
		}
	}
	return names.have
}

// lockSignInUsers locks the account's row and, when a browser of another account is replaced, that account's row. It locks in the
// order of the ids: otherwise two sign-ins that replace each other's browsers would deadlock.
func lockSignInUsers(tx *gorm.DB, d Device, n NewDevice) error {
	order := 0
	if n.Replace != nil {
		order = bytes.Compare(n.Replace.UserID[:], d.UserID[:])
	}
	if order < 0 {
		if err := lockUserRow(tx, n.Replace.UserID); err != nil {
			return err
		}
	}
	if err := lockVerifiedUser(tx.Where("factors_version = ?", n.FactorsVersion), d.UserID, n.Verified, n.Rehashed, d.CreatedAt); err != nil || order <= 0 {
		return err
	}
	return lockUserRow(tx, n.Replace.UserID)
}

// replaceBrowser revokes the earlier sign-in of this browser, which may belong to another account, and reports whether it was live.
func replaceBrowser(tx *gorm.DB, old DeviceKey, by Event) (bool, error) {
	e := by
	e.ID, e.UserID, e.Kind, e.Detail = uuid.Nil, old.UserID, EventSignOut, string(RevokedByReplace)
	rows, err := revokeOne(tx, old, e)
	return len(rows) > 0, err
}
