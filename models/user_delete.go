package models

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// Deletion is the end of an account.
type Deletion struct {
	UserID uuid.UUID
	Proof  Proof // what confirmed the deletion
	// ByOperator deletes without a Proof, and although the account is disabled or locked or a former address can be taken back.
	ByOperator bool
	Now        func() time.Time // when the devices are revoked: asked shortly before it is committed
	Event      Event            // stays, as anonymous as the rest
	Farewell   MailWithLinks    // its recipient is filled in here; it must name no account
	// Seal seals the folded addresses that the account had, for the work that takes them out of the events: see Deleted.
	Seal func(emailKeys []string) []byte
}

// DeleteUser deletes an account in one short transaction: its devices, places, links, waiting mails and row. Its devices' places
// in the status lists stay, revoked, until their access tokens have ended. Its events stay: until FinishDeletion is done with them
// they lead to the person, and a row of Deleted says so. It changes nothing and returns ErrChanged when the password is not the verified one or is locked, the factors
// have changed, or the account is gone, disabled or one of the support staff's, ErrUsed as UseFactor does, and ErrWayBack while a former address of the account can be taken
// back: a thief who moved the account away could otherwise end it before its owner reads that mail.
func (s *Store) DeleteUser(ctx context.Context, d Deletion) (err error) {
	// An account from before ended devices were bounded may have very many.
	_, _, err = s.inBatches(context.WithoutCancel(ctx), func(tx *gorm.DB, limit int) (int64, error) {
		return dropEnded(tx, d.UserID, maxEnded, limit, d.Now())
	})
	for range 3 {
		if err != nil && !isDeadlock(err) {
			break
		}
		// The sender of mails claims several at a time, in an order of its own: the one case in which a deadlock can be.
		if err = s.tx(ctx, func(tx *gorm.DB) error { return s.deleteUser(tx, d) }); err == nil {
			break
		}
	}
	return wrapErr("delete user", err)
}

func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "40P01"
}

func (s *Store) deleteUser(tx *gorm.DB, d Deletion) error {
	if err := s.lockBulkWrites(tx); err != nil {
		return err
	}
	var held []User
	err := tx.Raw(`UPDATE users SET updated_at = updated_at WHERE id = ? AND role <> 'support'
		AND (? OR password_hash = ? AND disabled_at IS NULL AND locked_at IS NULL AND factors_version = ?) RETURNING email, email_key, external_id`,
		d.UserID, d.ByOperator, d.Proof.Verified, d.Proof.Version).Scan(&held).Error
	if err != nil || len(held) == 0 {
		return orRefuse(err, ErrChanged)
	}
	if !d.ByOperator {
		if err := d.Proof.useUp(tx, d.UserID, d.Now()); err != nil {
			return err
		}
	}
	former, err := formerAddresses(tx, d.UserID)
	if err != nil {
		return err
	}
	now, keys := dbTime(d.Now()), []string{held[0].EmailKey}
	for _, f := range former {
		if f.ExpiresAt.After(now) && !d.ByOperator {
			return ErrWayBack
		}
		keys = append(keys, f.EmailKey)
	}
	if err := tx.Create(&Deleted{UserID: d.UserID, Sealed: d.Seal(keys), CreatedAt: now}).Error; err != nil {
		return err
	}
	last := anonymous(d.Event)
	if err := tx.Create(&last).Error; err != nil {
		return err
	}
	if err := tx.Exec("UPDATE creations SET request = ? WHERE made = ?", []byte{}, d.UserID).Error; err != nil { // a hash of what was known of the person
		return err
	}
	if err := addDeletionMessages(tx, d.UserID, now); err != nil {
		return err
	}
	// Searches of the staff show the address: they go at once, unless there are very many. On Citus they lie on all nodes, and an account can
	// be deleted while another node is down: FinishDeletion takes them.
	if !isCitus(tx) {
		if _, err := s.forgetSearches(tx, d.UserID, keys, firstBatch); err != nil {
			return err
		}
	}
	if err := freeClaims(tx, d.UserID, keys, held[0].ExternalID); err != nil {
		return err
	}
	// The status lists are read on the word that a revocation is committed within writeTimeout of its date.
	if err := dropUser(tx, d.UserID, now); err != nil {
		return err
	}
	if d.Farewell.Mail != nil {
		d.Farewell.Mail.Recipient = held[0].Email
	}
	return addMail(tx, d.Farewell)
}

// lockBulkWrites keeps transactions that change many rows of events or devices, each in its own order, one behind the other.
// SQLite has one writer anyway.
func (s *Store) lockBulkWrites(tx *gorm.DB) error {
	if s.dialect != "postgres" {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(7022344802737087859)").Error
}

// dropUser deletes everything of an account but its events. The caller holds the user's row. A transaction that
// holds the row of a device, a link or a mail is waited for, and what it has written goes too: no one can take one after this.
func dropUser(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	for _, table := range UserTables {
		if table.Deleted != RowsDeleted {
			continue
		}
		var err error
		if table.Name == "devices" {
			err = dropDevices(tx, userID, at)
		} else {
			err = tx.Exec("DELETE FROM "+table.Name+" WHERE user_id = ?", userID).Error
		}
		if err != nil {
			return err
		}
	}
	return tx.Exec("DELETE FROM users WHERE id = ?", userID).Error
}

// dropDevices deletes the devices of an account, revokes their places in the status lists, and tells the clients of those that were signed in.
func dropDevices(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	var rows []endedDevice
	err := tx.Raw("DELETE FROM devices WHERE user_id = ? RETURNING "+noticeColumns+", revoked_at, "+clientIsTold, userID).Scan(&rows).Error
	if err != nil {
		return err
	}
	if err := markRevoked(tx, rows, at); err != nil {
		return err
	}
	return addLogoutNotices(tx, slices.DeleteFunc(rows, func(d endedDevice) bool { return d.RevokedAt != nil || !d.ExpiresAt.After(at) }), at)
}
