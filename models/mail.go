package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Mail is one mail that waits to be sent. What it says is sealed by the caller: links are worth an account.
type Mail struct {
	ID        uuid.UUID
	UserID    uuid.UUID // the nil UUID where there is no account (yet)
	Kind      string
	Recipient string // empty when it is written: the account's address at that moment
	Box       []byte
	CreatedAt time.Time
	NextAt    time.Time
	Tries     int64 // how often it was claimed
}

// Notice is a mail with the links in it, to be written in the transaction that causes it. The zero value is none.
type Notice struct {
	Mail  *Mail
	Links []OneTime
}

// addNotice writes a mail and its links inside a transaction.
func addNotice(tx *gorm.DB, n Notice) error {
	if n.Mail == nil {
		return nil
	}
	m := *n.Mail
	m.CreatedAt, m.NextAt = moment(m.CreatedAt), moment(m.CreatedAt)
	var u User
	if m.Recipient == "" {
		if err := tx.Select("email", "email_key").Where("id = ?", m.UserID).Take(&u).Error; err != nil {
			return err
		}
		m.Recipient = u.Email
	}
	for _, link := range n.Links {
		link.MailedTo = u.EmailKey
		if err := addOneTime(tx, link); err != nil {
			return err
		}
	}
	return tx.Create(&m).Error
}

// AddNotice writes a mail that is not part of another act. It returns ErrNotFound when its account was deleted meanwhile.
func (s *Store) AddNotice(ctx context.Context, n Notice) error {
	return fault("add mail", s.tx(ctx, func(tx *gorm.DB) error {
		if n.Mail != nil {
			if err := keepUsers(tx, n.Mail.UserID); err != nil {
				return err
			}
		}
		return addNotice(tx, n)
	}))
}

// ClaimMails takes up to limit mails that are due, oldest first, and keeps everybody else from them until the given
// moment. Replicas may call it at the same time: each mail is claimed by one of them.
func (s *Store) ClaimMails(ctx context.Context, now, until time.Time, limit int) ([]Mail, error) {
	var list []Mail
	var err error
	for range 5 {
		err = s.write(ctx, func(db *gorm.DB) error {
			// The condition stands twice: whoever waited for the row judges it again.
			return db.Raw(`UPDATE mails SET next_at = ?, tries = tries + 1 WHERE next_at <= ?
				AND id IN (SELECT id FROM mails WHERE next_at <= ? ORDER BY next_at, id LIMIT ?) RETURNING *`,
				moment(until), moment(now), moment(now), limit).Scan(&list).Error
		})
		if !isDeadlock(err) { // two replicas take several each, in whatever order the plan finds them
			break
		}
	}
	return list, fault("claim mails", err)
}

// DeleteMail forgets a mail that was sent, with everything that it said.
func (s *Store) DeleteMail(ctx context.Context, id uuid.UUID) error {
	return fault("delete mail", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("id = ?", id).Delete(&Mail{}).Error
	}))
}

// PostponeMail lets a claimed mail be tried again at the given moment.
func (s *Store) PostponeMail(ctx context.Context, id uuid.UUID, until time.Time) error {
	return fault("postpone mail", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&Mail{}).Where("id = ?", id).UpdateColumn("next_at", moment(until)).Error
	}))
}

// GiveUpMail forgets a mail that cannot be sent and writes the event that says so.
func (s *Store) GiveUpMail(ctx context.Context, id uuid.UUID, e Event) error {
	return fault("give mail up", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Where("id = ?", id).Delete(&Mail{})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		return addEvent(tx, e)
	}))
}
