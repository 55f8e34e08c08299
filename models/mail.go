package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// OutgoingMail is a mail that waits to be sent. The caller seals its content, because a link in it can take over an account.
type OutgoingMail struct {
	ID        uuid.UUID
	UserID    uuid.UUID // the nil UUID where there is no account (yet)
	Kind      string
	Recipient string // empty when the mail is written: the account's address at that time is filled in
	Sealed    []byte `gorm:"column:box"` // the content, sealed by the caller
	CreatedAt time.Time
	NextAt    time.Time // when the mail may be tried next; zero when the mail is written: at CreatedAt
	Tries     int64     // how often the mail was claimed
	Priority  int64     // MailSecurity, MailAsked, MailRest or MailIncident; lower numbers go first
}

// TableName is where mails are stored.
func (OutgoingMail) TableName() string { return "mails" }

// The priorities of mails; MailClass groups them.
const (
	MailSecurity = 0 // about the security of an account
	MailAsked    = 1 // a person waits for it
	MailRest     = 2 // strangers can cause it, to any address, or a system in large numbers
	MailIncident = 3 // about an incident: only while nothing else is due. The previous release does not claim it
)

// maxSecurityMails is how many waiting mails of one account may have the priority MailSecurity. An account that causes more must
// not delay the security mails of other accounts.
const maxSecurityMails = 5

// MailWithLinks is a mail together with the links in it, to be written in the transaction that causes it. The zero value is no mail.
type MailWithLinks struct {
	Mail  *OutgoingMail
	Links []OneTime
}

// addMail writes a mail and its links inside a transaction.
func addMail(tx *gorm.DB, n MailWithLinks) error {
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

// AddMail writes a mail in a transaction of its own. It returns ErrNotFound when its account has been deleted.
func (s *Store) AddMail(ctx context.Context, n MailWithLinks) error {
	return wrapErr("add mail", s.tx(ctx, func(tx *gorm.DB) error {
		if n.Mail != nil {
			if err := lockExistingUsers(tx, n.Mail.UserID); err != nil {
				return err
			}
		}
		return addMail(tx, n)
	}))
}

// direct fills in the account's address when there is no recipient, and returns its folded form. It lowers the priority of a
// security mail when the account has many of them waiting.
func (m *OutgoingMail) direct(tx *gorm.DB) (emailKey string, err error) {
	if m.Recipient != "" && m.Priority != MailSecurity {
		return "", nil // no query, so that a known address costs no more than an unknown one
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

// WaitingMails counts the waiting mails of some kinds, up to limit, and how many of those were never tried. Mails with the priority of
// security mails do not count.
func (s *Store) WaitingMails(ctx context.Context, kinds []string, limit int) (all, untried int64, err error) {
	var n struct{ Waiting, Untried int64 }
	err = s.read(ctx).Raw(`SELECT count(*) AS waiting, count(CASE WHEN tries = 0 THEN 1 END) AS untried
		FROM (SELECT tries FROM mails WHERE priority > ? AND kind IN ? LIMIT ?) AS m`, MailSecurity, kinds, limit).Scan(&n).Error
	return n.Waiting, n.Untried, wrapErr("count mails", err)
}

// Outbox describes the mails that wait, those of the future included and those about incidents left out: they wait by design.
type Outbox struct {
	Waiting int64     // up to the limit that was asked for
	Oldest  time.Time // when the oldest one was written; zero when none waits
}

// notIncident leaves out mails about incidents when others are counted, or the oldest is looked for. Ids are in order of time, so the primary key
// finds it. The sum keeps both databases from the index on priority: SQLite would read all mails that wait and sort them.
const notIncident = "priority + 0 < ?"

// Outbox reads how many mails wait, counting up to limit, and since when.
func (s *Store) Outbox(ctx context.Context, limit int) (o Outbox, err error) {
	err = s.read(ctx).Raw("SELECT count(*) FROM (SELECT 1 FROM mails WHERE "+notIncident+" LIMIT ?) AS m", MailIncident, limit).Scan(&o.Waiting).Error
	if err != nil || o.Waiting == 0 {
		return o, wrapErr("count mails", err)
	}
	var oldest []time.Time
	err = s.read(ctx).Model(&OutgoingMail{}).Where(notIncident, MailIncident).Order("id").Limit(1).Pluck("created_at", &oldest).Error
	if len(oldest) > 0 {
		o.Oldest = oldest[0]
	}
	return o, wrapErr("find the oldest mail", err)
}

// LateMails reads how many mails wait, counting up to limit, although they were written and due before a time, and since when. Mails about
// incidents do not count.
func (s *Store) LateMails(ctx context.Context, before time.Time, limit int) (o Outbox, err error) {
	late := func() *gorm.DB { // one that was tried is due again later
		return s.read(ctx).Model(&OutgoingMail{}).Where(notIncident+" AND created_at < ? AND (tries > 0 OR next_at < ?)", MailIncident, dbTime(before), dbTime(before))
	}
	var oldest []time.Time
	err = late().Order("id").Limit(1).Pluck("created_at", &oldest).Error
	if err != nil || len(oldest) == 0 {
		return o, wrapErr("find late mails", err)
	}
	o.Oldest = oldest[0]
	err = s.read(ctx).Table("(?) AS m", late().Select("1").Limit(limit)).Count(&o.Waiting).Error
	return o, wrapErr("count late mails", err)
}

// ClaimMail claims the mail that is due next among those of the given or a more urgent priority; those about incidents have
// ClaimIncidentMail. No other caller gets the mail
// before until. Replicas may call ClaimMail at the same time: each mail goes to one of them. It returns ErrNotFound when no mail is
// due.
func (s *Store) ClaimMail(ctx context.Context, priority int64, now, until time.Time) (OutgoingMail, error) {
	for range 100 {
		next, err := nextMail(s.read(ctx), priority, now) // read first, so that an empty outbox causes no writes
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
		// Another replica claimed the mail after the read. The next read finds another mail.
	}
	return OutgoingMail{}, fmt.Errorf("claim mail: %w", ErrNotFound)
}

// nextMail finds the mail that is due next among those of a priority or a more urgent one. It looks at the first of each priority, so that
// mails that wait for a later attempt, or for a more urgent one, are not read.
func nextMail(db *gorm.DB, priority int64, now time.Time) (next []uuid.UUID, err error) {
	var first []string
	var args []any
	for p := range priority + 1 {
		first = append(first, fmt.Sprintf(`SELECT id, %d AS priority FROM
			(SELECT id FROM mails WHERE priority = ? AND next_at <= ? ORDER BY next_at, id LIMIT 1) AS m%d`, p, p))
		args = append(args, p, dbTime(now))
	}
	err = db.Raw("SELECT id FROM ("+strings.Join(first, " UNION ALL ")+") AS first ORDER BY priority LIMIT 1", args...).Scan(&next).Error
	return next, err
}

// DeleteMail deletes a mail that was sent, with its content.
func (s *Store) DeleteMail(ctx context.Context, id uuid.UUID) error {
	return wrapErr("delete mail", s.write(ctx, func(db *gorm.DB) error {
		return db.Where("id = ?", id).Delete(&OutgoingMail{}).Error
	}))
}

// PostponeMail makes a claimed mail due again at until.
func (s *Store) PostponeMail(ctx context.Context, id uuid.UUID, until time.Time) error {
	return wrapErr("postpone mail", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&OutgoingMail{}).Where("id = ?", id).UpdateColumn("next_at", dbTime(until)).Error
	}))
}

// GiveUpMail deletes a mail that cannot be sent and writes the event that says so. When the mail is gone already it writes nothing.
func (s *Store) GiveUpMail(ctx context.Context, id uuid.UUID, e Event) error {
	return wrapErr("give mail up", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Where("id = ?", id).Delete(&OutgoingMail{})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		return addEvent(tx, e)
	}))
}
