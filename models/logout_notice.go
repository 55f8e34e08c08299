package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// LogoutNotice tells a client that one of its devices was revoked (OpenID Connect Back-Channel Logout 1.0). It waits to be sent.
// The transaction that revokes the device writes it; one for each device, and none for a client without a BackchannelLogoutURI.
type LogoutNotice struct {
	UserID    uuid.UUID
	DeviceID  uuid.UUID
	ClientID  string
	CreatedAt time.Time // when the device was revoked
	NextAt    time.Time // when it may be sent next
	Tries     int64     // how often it was claimed
}

// noticeColumns are the columns of devices that a notice and the status lists need.
const noticeColumns = "user_id, id, client_id, status_index, expires_at"

// clientIsTold reads, for a row of devices, whether its client wants to be told of sign-outs.
const clientIsTold = "EXISTS (SELECT 1 FROM clients WHERE clients.id = devices.client_id AND clients.backchannel_logout_uri <> '') AS told"

// endedDevice is a row of devices with clientIsTold and hasConsent.
type endedDevice struct {
	Device    `gorm:"embedded"`
	Told      bool
	Consented bool
}

// rowsAtOnce is how many rows one statement writes: both databases bound the parameters of a statement.
const rowsAtOnce = 1000

// addLogoutNotices writes the notices of devices that ended, and nothing when no client is told.
func addLogoutNotices(tx *gorm.DB, ended []endedDevice, at time.Time) error {
	var list []LogoutNotice
	for _, d := range ended {
		if d.Told {
			list = append(list, LogoutNotice{UserID: d.UserID, DeviceID: d.ID, ClientID: d.ClientID, CreatedAt: dbTime(at), NextAt: dbTime(at)})
		}
	}
	if len(list) == 0 {
		return nil
	}
	// A notice that is there already tells the same, and must not stop a revocation.
	return tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(list, rowsAtOnce).Error
}

// LogoutClients lists the clients with notices that are due.
func (s *Store) LogoutClients(ctx context.Context, now time.Time) ([]Client, error) {
	var list []Client
	err := s.read(ctx).Where(`backchannel_logout_uri <> '' AND EXISTS
		(SELECT 1 FROM logout_notices WHERE logout_notices.client_id = clients.id AND logout_notices.next_at <= ?)`, dbTime(now)).Order("id").Find(&list).Error
	return list, wrapErr("find logout notices", err)
}

// DueLogoutNotices lists up to limit notices of a client that are due, the longest due first.
func (s *Store) DueLogoutNotices(ctx context.Context, clientID string, now time.Time, limit int) ([]LogoutNotice, error) {
	var list []LogoutNotice
	err := s.read(ctx).Where("client_id = ? AND next_at <= ?", clientID, dbTime(now)).Order("next_at, device_id").Limit(limit).Find(&list).Error
	return list, wrapErr("list logout notices", err)
}

// LateNotices are the notices of one client that should have been taken.
type LateNotices struct {
	ClientID string
	Waiting  int64
	Oldest   time.Time // when the first of the devices was revoked
}

// LateLogoutNotices counts, for each client that is told of sign-outs, the notices of devices that were revoked before a time.
func (s *Store) LateLogoutNotices(ctx context.Context, before time.Time) (list []LateNotices, err error) {
	var ids []string
	err = s.read(ctx).Model(&Client{}).Where("backchannel_logout_uri <> ''").Order("id").Pluck("id", &ids).Error
	for _, id := range ids {
		late := func() *gorm.DB {
			return s.read(ctx).Model(&LogoutNotice{}).Where("client_id = ? AND created_at < ?", id, dbTime(before))
		}
		l := LateNotices{ClientID: id}
		var oldest []time.Time
		if err == nil {
			err = late().Order("created_at").Limit(1).Pluck("created_at", &oldest).Error
		}
		if err == nil && len(oldest) > 0 {
			l.Oldest = oldest[0]
			err = late().Count(&l.Waiting).Error
			list = append(list, l)
		}
	}
	return list, wrapErr("find late logout notices", err)
}

// ClaimLogoutNotice claims a notice that is due. No other caller gets it before until. Replicas may call ClaimLogoutNotice at the same
// time: each notice goes to one of them, and the others get ErrNotFound.
func (s *Store) ClaimLogoutNotice(ctx context.Context, n LogoutNotice, now, until time.Time) (LogoutNotice, error) {
	var claimed []LogoutNotice
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw("UPDATE logout_notices SET next_at = ?, tries = tries + 1 WHERE user_id = ? AND device_id = ? AND next_at <= ? RETURNING *",
			dbTime(until), n.UserID, n.DeviceID, dbTime(now)).Scan(&claimed).Error
	})
	if err != nil || len(claimed) == 0 {
		return n, wrapErr("claim logout notice", orRefuse(err, ErrNotFound))
	}
	return claimed[0], nil
}

// DeleteLogoutNotice deletes a notice that was taken or given up.
func (s *Store) DeleteLogoutNotice(ctx context.Context, n LogoutNotice) error {
	return wrapErr("delete logout notice", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("user_id = ? AND device_id = ?", n.UserID, n.DeviceID).Delete(&LogoutNotice{}).Error
	}))
}

// PostponeLogoutNotice makes a claimed notice due again at until.
func (s *Store) PostponeLogoutNotice(ctx context.Context, n LogoutNotice, until time.Time) error {
	return wrapErr("postpone logout notice", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&LogoutNotice{}).Where("user_id = ? AND device_id = ?", n.UserID, n.DeviceID).UpdateColumn("next_at", dbTime(until)).Error
	}))
}
