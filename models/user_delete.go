package models

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// deletionTimeout bounds the deletion of an account: each of its events is written, and there may be very many.
const deletionTimeout = time.Minute

// Deletion is the end of an account, wished by its owner.
type Deletion struct {
	UserID   uuid.UUID
	Verified string           // the hash that the caller checked the password against
	Now      func() time.Time // when the devices are revoked: asked shortly before it is committed
	Event    Event            // stays, as anonymous as the rest
	Farewell Notice           // its recipient is filled in here; it must name no account
}

// DeleteUser deletes an account in one transaction: its devices, places, links, waiting mails and row. Its devices' places
// in the status lists stay, revoked, until their access tokens have ended. Its events stay without anything that leads
// to the person. It changes nothing and returns ErrChanged when the password is not the verified one or is locked, or
// the account is gone, disabled or one of the support staff's, and ErrWayBack while a former address of the account can be taken
// back: a thief who moved the account away could otherwise end it before its owner reads that mail.
func (s *Store) DeleteUser(ctx context.Context, d Deletion) (err error) {
	for range 3 {
		// The sender of mails claims several at a time, in an order of its own: the one case in which a deadlock can be.
		if err = s.deleteUser(ctx, d); !isDeadlock(err) {
			break
		}
	}
	return fault("delete user", err)
}

func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "40P01"
}

func (s *Store) deleteUser(ctx context.Context, d Deletion) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deletionTimeout)
	defer cancel()
	return s.transaction(s.w.WithContext(ctx), func(tx *gorm.DB) error {
		if err := s.clear(tx); err != nil {
			return err
		}
		var held []User
		err := tx.Raw(`UPDATE users SET updated_at = updated_at WHERE id = ? AND password_hash = ? AND disabled_at IS NULL AND locked_at IS NULL
			AND role <> 'support' RETURNING email, email_key`, d.UserID, d.Verified).Scan(&held).Error
		if err != nil || len(held) == 0 {
			return orRefuse(err, ErrChanged)
		}
		former, err := formerAddresses(tx, d.UserID)
		if err != nil {
			return err
		}
		keys := []string{held[0].EmailKey}
		for _, f := range former {
			if f.ExpiresAt.After(moment(d.Now())) {
				return ErrWayBack
			}
			keys = append(keys, f.EmailKey)
		}
		if err := addEvent(tx, d.Event); err != nil {
			return err
		}
		if err := s.forgetLooks(tx, d.UserID, keys); err != nil {
			return err
		}
		if err := s.anonymise(tx, d.UserID); err != nil {
			return err
		}
		// The status lists are read on the word that a revocation is committed within writeTimeout of its date.
		short, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		if err := s.dropUser(tx.WithContext(short), d.UserID, moment(d.Now())); err != nil {
			return err
		}
		if d.Farewell.Mail != nil {
			d.Farewell.Mail.Recipient = held[0].Email
		}
		if err := addNotice(tx.WithContext(short), d.Farewell); err != nil {
			return err
		}
		return short.Err()
	})
}

// clear keeps transactions that change many rows of events or devices, each in its own order, one behind the other.
// SQLite has one writer anyway.
func (s *Store) clear(tx *gorm.DB) error {
	if s.dialect != "postgres" {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(7022344802737087859)").Error
}

// dropUser deletes everything of an account but its events. The caller holds the user's row. Whoever holds the row of a
// device, a link or a mail meanwhile is waited for, and what they have written goes too: nobody can take one after this.
func (s *Store) dropUser(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	// A device that has come to its end has no access token any more, and its place may be another's by now.
	err := tx.Exec(`UPDATE status_indexes SET revoked_at = ? FROM devices
		WHERE devices.user_id = ? AND devices.status_index = status_indexes.idx AND devices.expires_at > ?`, at, userID, at).Error
	if err != nil {
		return err
	}
	for _, table := range []string{"devices", "known_places", "one_time_tokens", "mails"} {
		if err := tx.Exec("DELETE FROM "+table+" WHERE user_id = ?", userID).Error; err != nil {
			return err
		}
	}
	if err := s.anonymise(tx, userID); err != nil {
		return err
	}
	return tx.Exec("DELETE FROM users WHERE id = ?", userID).Error
}

// anonymise takes out of an account's events what leads to the person: whose, from where, on what, in which words, and the
// time of day, by which other logs could tell. What happened on which day stays, for the numbers of all accounts together.
func (s *Store) anonymise(tx *gorm.DB, userID uuid.UUID) error {
	id, day := "gen_random_uuid()", "date_trunc('day', at, 'UTC')"
	if s.dialect == "sqlite" {
		id = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2)
			|| '-' || hex(randomblob(6)))`
		day = "at - at % 86400000000" // whole microseconds
	}
	return tx.Exec("UPDATE events SET user_id = ?, id = "+id+", at = "+day+`, device_id = NULL, device_name = '', actor_id = NULL, ip = '',
		user_agent = '', detail = '' WHERE user_id = ?`, uuid.Nil, userID).Error
}

// forgetLooks takes an account out of the events of others: out of the support staff's looks at it and searches for it, and
// out of the activity of those whom it has looked at as one of the staff. That they were looked at stays there.
func (s *Store) forgetLooks(tx *gorm.DB, userID uuid.UUID, emailKeys []string) error {
	looked, searched := "NULLIF(detail, '')::uuid", `lower(detail COLLATE "C")`
	if s.dialect == "sqlite" {
		looked, searched = "detail", "lower(detail)"
	}
	err := tx.Exec(`UPDATE events SET detail = '' WHERE kind = 'support_looked' AND detail = ? AND user_id IN
		(SELECT actor_id FROM events WHERE user_id = ? AND kind = 'seen_by_support')`, userID.String(), userID).Error
	if err != nil {
		return err
	}
	err = tx.Exec(`UPDATE events SET actor_id = NULL WHERE kind = 'seen_by_support' AND actor_id = ? AND user_id IN
		(SELECT `+looked+` FROM events WHERE user_id = ? AND kind = 'support_looked')`, userID, userID).Error
	if err != nil {
		return err
	}
	for _, text := range append(emailKeys, userID.String()) {
		condition, args := KeyPrefix{Text: text}.where(searched)
		narrowed := text + SearchSeparator
		err := tx.Exec("UPDATE events SET detail = '' WHERE kind = 'support_searched' AND "+condition+" AND ("+searched+" = ? OR substr("+searched+", 1, ?) = ?)",
			append(args, text, utf8.RuneCountInString(narrowed), narrowed)...).Error
		if err != nil {
			return err
		}
	}
	return nil
}
