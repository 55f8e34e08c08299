package models

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Mail is one mail that waits to be sent. What it says is sealed by the caller: links are worth an account.
type OutgoingMail struct {
	ID        uuid.UUID
	UserID    uuid.UUID // the nil UUID where there is no account (yet)
	Kind      string
	Recipient string // empty when it is written: the account's address at that moment
	Box       []byte
	CreatedAt time.Time
	NextAt    time.Time // when it may be tried; zero when it is written: at once
	Tries     int64     // how often it was claimed
	Priority  int64     // which mails go first: MailSecurity and so on
}

// TableName is where mails are stored.
func (OutgoingMail) TableName() string { return "mails" }

// The priorities of mails.
const (
	MailSecurity = 0 // about the safety of an account
	MailAsked    = 1 // what a person waits for
	MailSignup   = 2 // what strangers can have sent to anybody
)

// maxSecurityMails is how many mails of one account go before other people's. One that causes more must not delay their alarms.
const maxSecurityMails = 5

// Notice is a mail with the links in it, to be written in the transaction that causes it. The zero value is none.
type Notice struct {
	Mail  *OutgoingMail
	Links []OneTime
}

// addNotice writes a mail and its links inside a transaction.
func addNotice(tx *gorm.DB, n Notice) error {
	if n.Mail == nil {
		return nil
	}
	m := *n.Mail
	m.CreatedAt = dbTime(m.CreatedAt)
	if m.NextAt.IsZero() {
		m.NextAt = m.CreatedAt
	}
	m.NextAt = dbTime(m.NextAt)
	emailKey, err := m.direct(tx)
	if err != nil {
		return err
	}
	for _, link := range n.Links {
		link.MailedTo = emailKey
		if err := addOneTime(tx, link); err != nil {
			return err
		}
	}
	return tx.Create(&m).Error
}

// AddNotice writes a mail that is not part of another act. It returns ErrNotFound when its account was deleted meanwhile.
func (s *Store) AddNotice(ctx context.Context, n Notice) error {
	return wrapErr("add mail", s.tx(ctx, func(tx *gorm.DB) error {
		if n.Mail != nil {
			if err := lockExistingUsers(tx, n.Mail.UserID); err != nil {
				return err
			}
		}
		return addNotice(tx, n)
	}))
}

// direct fills in the account's address, whose folded form it returns then, and lets an alarm of an account that has many
// waiting go with the other mails.
func (m *OutgoingMail) direct(tx *gorm.DB) (emailKey string, err error) {
	if m.Recipient != "" && m.Priority != MailSecurity {
		return "", nil // asked nothing, so that a known address costs no more than an unknown one
	}
	var found struct {
		Email    *string
		EmailKey *string
		Waiting  int64
	}
	err = tx.Raw(`SELECT (SELECT email FROM users WHERE id = ?) AS email, (SELECT email_key FROM users WHERE id = ?) AS email_key,
		(SELECT count(*) FROM mails WHERE user_id = ? AND priority = ?) AS waiting`, m.UserID, m.UserID, m.UserID, MailSecurity).Scan(&found).Error
	if err != nil {
		return "", err
	}
	if m.Recipient == "" {
		if found.Email == nil {
			return "", gorm.ErrRecordNotFound
		}
		m.Recipient, emailKey = *found.Email, *found.EmailKey
	}
	if found.Waiting >= maxSecurityMails {
		m.Priority = max(m.Priority, MailAsked)
	}
	return emailKey, nil
}

// WaitingMails counts the mails of a priority, or of a less urgent one, that wait to be sent, up to limit, and how many of those were
// never tried.
func (s *Store) WaitingMails(ctx context.Context, priority int64, limit int) (all, untried int64, err error) {
	var n struct{ Waiting, Untried int64 }
	err = s.read(ctx).Raw(`SELECT count(*) AS waiting, count(CASE WHEN tries = 0 THEN 1 END) AS untried
		FROM (SELECT tries FROM mails WHERE priority >= ? LIMIT ?) AS m`, priority, limit).Scan(&n).Error
	return n.Waiting, n.Untried, wrapErr("count mails", err)
}

// ClaimMail takes the mail that is due next, among those that are as urgent as the given priority or more, and keeps others from
// it until the given moment. It returns ErrNotFound when no mail is due. Replicas may call it at the same time: each
// mail is claimed by one of them.
func (s *Store) ClaimMail(ctx context.Context, priority int64, now, until time.Time) (OutgoingMail, error) {
	for range 100 {
		var next []uuid.UUID // read first: while there is nothing to send, nothing is written
		err := s.read(ctx).Raw("SELECT id FROM mails WHERE priority <= ? AND next_at <= ? ORDER BY priority, next_at, id LIMIT 1", priority, dbTime(now)).
			Scan(&next).Error
		if err != nil || len(next) == 0 {
			return OutgoingMail{}, wrapErr("find mail", orRefuse(err, ErrNotFound))
		}
		var claimed []OutgoingMail
		err = s.write(ctx, func(db *gorm.DB) error {
			return db.Raw("UPDATE mails SET next_at = ?, tries = tries + 1 WHERE id = ? AND next_at <= ? RETURNING *", dbTime(until), next[0], dbTime(now)).
				Scan(&claimed).Error
		})
		if err != nil {
			return OutgoingMail{}, wrapErr("claim mail", err)
		}
		if len(claimed) > 0 {
			return claimed[0], nil
		}
		// Claimed by another replica since it was read, so that the next read finds another one.
	}
	return OutgoingMail{}, fmt.Errorf("claim mail: %w", ErrNotFound)
}

// DeleteMail forgets a mail that was sent, with everything that it said.
func (s *Store) DeleteMail(ctx context.Context, id uuid.UUID) error {
	return wrapErr("delete mail", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("id = ?", id).Delete(&OutgoingMail{}).Error
	}))
}

// PostponeMail lets a claimed mail be tried again at the given moment.
func (s *Store) PostponeMail(ctx context.Context, id uuid.UUID, until time.Time) error {
	return wrapErr("postpone mail", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&OutgoingMail{}).Where("id = ?", id).UpdateColumn("next_at", dbTime(until)).Error
	}))
}

// GiveUpMail forgets a mail that cannot be sent and writes the event that says so.
func (s *Store) GiveUpMail(ctx context.Context, id uuid.UUID, e Event) error {
	return wrapErr("give mail up", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Where("id = ?", id).Delete(&OutgoingMail{})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		return addEvent(tx, e)
	}))
}
