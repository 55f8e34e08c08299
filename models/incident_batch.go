package models

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// IncidentBatch is one step of an incident: one short transaction.
type IncidentBatch struct {
	ID      uuid.UUID // of the incident
	Worker  string    // the process that has claimed it
	Until   time.Time // it goes on having it until then
	At      time.Time // of the revocations: when the batch begins
	After   DeviceKey // where the last batch ended
	To      DeviceKey // where this one ends
	Seen    int64     // devices between the two
	Devices []DeviceKey
	Slowest time.Duration // of the batches before
	// LastUser is the last account that an earlier batch has counted.
	LastUser uuid.UUID
	// Event makes the event of an account that had that many devices signed out. Where an earlier batch has written an event with its
	// id, that event counts them.
	Event func(user uuid.UUID, devices int) Event
	Reset *IncidentReset // nil: passwords and factors stay
}

// IncidentBatchDone is what a batch did.
type IncidentBatchDone struct {
	Devices  int64
	Accounts int64 // that no earlier batch has counted
	LastUser uuid.UUID
	Took     time.Duration // from when it had its locks until it was committed
}

// EndIncidentBatch signs the given devices between two places out, those that are live, and moves the incident to the second place. It does for each of
// them what every revocation does. It returns ErrChanged, and has changed nothing, when the incident is paused, another process has it, or it
// is at another place. It is committed within 5 s after it was called, or not at all.
func (s *Store) EndIncidentBatch(ctx context.Context, b IncidentBatch) (done IncidentBatchDone, err error) {
	var began time.Time
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockBulkWrites(tx); err != nil {
			return err
		}
		if err := s.limitLockWait(tx); err != nil {
			return err
		}
		began = time.Now()
		done = IncidentBatchDone{LastUser: b.LastUser}
		locks, err := b.Reset.lockUsers(tx, ownersOf(b.Devices))
		if err != nil {
			return err
		}
		ended, err := b.revoke(tx)
		if err != nil {
			return err
		}
		users := usersOf(ended)
		if b.Reset != nil { // also those whose device has ended since the start
			users = ownersOf(b.Devices)
		}
		done.Devices = int64(len(ended))
		fresh := slices.DeleteFunc(slices.Clone(users), func(id uuid.UUID) bool { return id == b.LastUser })
		done.Accounts = int64(len(fresh))
		if len(users) > 0 {
			done.LastUser = users[len(users)-1]
		}
		if err := b.tell(tx, ended, users, locks); err != nil {
			return err
		}
		if err := b.Reset.apply(tx, fresh, b); err != nil {
			return err
		}
		return b.move(tx, done)
	})
	done.Took = time.Since(began)
	return done, wrapErr("sign out a batch of an incident", err)
}

// incidentLockWait is how long a batch waits for a row that another transaction has locked. It holds other rows by then, and a refresh waits for these.
const incidentLockWait = 200 * time.Millisecond

// limitLockWait makes a transaction fail that waits longer for a lock. SQLite has none to wait for once it has begun.
func (s *Store) limitLockWait(tx *gorm.DB) error {
	if s.dialect != "postgres" {
		return nil
	}
	return tx.Exec(fmt.Sprintf("SELECT set_config('lock_timeout', '%dms', true)", incidentLockWait.Milliseconds())).Error
}

// hasOwnersConsent is hasConsent for devices of several users.
const hasOwnersConsent = "EXISTS (SELECT 1 FROM consents WHERE consents.user_id = devices.user_id AND consents.client_id = devices.client_id) AS consented"

// revoke ends the devices. Other transactions lock the users' rows before they change several devices. Here that would write every one of these rows. The
// rows of devices keep a deletion waiting, too, whose next step takes what was written of the account; and one that locks devices in another order waits
// for incidentLockWait only: then the batch gives way, and comes again. Where accounts change as well, their rows come first: see lockUsers.
func (b IncidentBatch) revoke(tx *gorm.DB) (ended []endedDevice, err error) {
	if len(b.Devices) == 0 {
		return nil, nil
	}
	ids := make([]uuid.UUID, 0, len(b.Devices))
	for _, d := range b.Devices {
		ids = append(ids, d.ID)
	}
	at := dbTime(b.At)
	err = tx.Raw(`UPDATE devices SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE (user_id, id) > (?, ?) AND (user_id, id) <= (?, ?) AND id IN ?
		AND revoked_at IS NULL AND expires_at > ? RETURNING `+noticeColumns+", "+clientIsTold+", "+hasOwnersConsent,
		at, ActorOperator, RevokedByIncident, b.After.UserID, b.After.ID, b.To.UserID, b.To.ID, ids, at).Scan(&ended).Error
	return ended, err
}

// usersOf are the owners of devices, each once, in the order of the primary key.
func usersOf(ended []endedDevice) (users []uuid.UUID) {
	for _, d := range ended {
		users = append(users, d.UserID)
	}
	slices.SortFunc(users, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(users)
}

// ownersOf is usersOf for the keys of devices, which are in that order.
func ownersOf(devices []DeviceKey) (users []uuid.UUID) {
	for _, d := range devices {
		users = append(users, d.UserID)
	}
	return slices.Compact(users)
}

// tell writes who is to be told of the devices: their clients, and their owners in the activity and by mail. It ends the consents of their clients,
// and what their owners have approved and apps have not taken yet. locks are the accounts whose passwords are locked.
func (b IncidentBatch) tell(tx *gorm.DB, ended []endedDevice, users []uuid.UUID, locks map[uuid.UUID]bool) error {
	if len(users) == 0 {
		return nil
	}
	err := tx.Exec("DELETE FROM challenges WHERE user_id IN ? AND used_at IS NULL AND purpose IN ?", users, approvals).Error
	if err != nil {
		return err
	}
	if err := addLogoutNotices(tx, ended, b.At); err != nil {
		return err
	}
	var consents [][]any
	devices := map[uuid.UUID]int{}
	for _, d := range ended {
		devices[d.UserID]++
		if d.Consented {
			consents = append(consents, []any{d.UserID, d.ClientID})
		}
	}
	if len(consents) > 0 {
		if err := tx.Exec("DELETE FROM consents WHERE (user_id, client_id) IN ?", consents).Error; err != nil {
			return err
		}
	}
	list, notices := make([]Event, 0, len(users)), make([]IncidentNotice, 0, len(users))
	for _, user := range users {
		e := b.Event(user, devices[user])
		e.At = dbTime(e.At)
		if locks[user] {
			e.Detail = b.Reset.Detail
		}
		list = append(list, e)
		notices = append(notices, IncidentNotice{IncidentID: b.ID, UserID: user, Devices: int64(devices[user]), QueuedAt: b.At})
	}
	if err := addIncidentNotices(tx, notices); err != nil {
		return err
	}
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "user_id"}, {Name: "id"}},
		DoUpdates: clause.Assignments(map[string]any{"more": gorm.Expr("events.more + excluded.more + 1")}),
	}).CreateInBatches(list, rowsAtOnce).Error
}

// move writes how far the incident has got.
func (b IncidentBatch) move(tx *gorm.DB, done IncidentBatchDone) error {
	moved := tx.Exec(`UPDATE incidents SET after_user = ?, after_device = ?, last_user = ?, worked_until = ?, slowest = ?, seen = seen + ?, devices = devices + ?,
		accounts = accounts + ?, batches = batches + ? WHERE id = ? AND state = 'running' AND worker = ? AND after_user = ? AND after_device = ?`,
		b.To.UserID, b.To.ID, done.LastUser, dbTime(b.Until), b.Slowest.Microseconds(), b.Seen, done.Devices, done.Accounts, min(len(b.Devices), 1),
		b.ID, b.Worker, b.After.UserID, b.After.ID)
	if moved.Error != nil || moved.RowsAffected == 0 {
		return orRefuse(moved.Error, ErrChanged)
	}
	return nil
}
