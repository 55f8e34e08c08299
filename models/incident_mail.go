package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// MaxIncidentMails is how many mails about incidents wait in the outbox at most. The other accounts wait in incident_notices.
const MaxIncidentMails = 1000

// incidentSlice is how many mails about incidents one transaction writes.
const incidentSlice = 100

// IncidentAccount is an account that is to be told of an incident.
type IncidentAccount struct {
	Notice IncidentNotice
	Text   IncidentText
	Email  string // as the owner typed it
}

// IncidentSlice is what became of a slice of notices.
type IncidentSlice struct {
	Written int // mails that were written
	Skipped int // accounts that are gone, disabled or not verified
	Dropped int // notices that were past IncidentLife, or have no text
}

// WriteIncidentMails moves a slice of due notices into the outbox, the longest due first: at most 100, and none while fewer than 100
// more mails about incidents may wait there. compose makes the mail to an account, whose id must follow from the notice. Replicas may call it
// at the same time: they wait for one another, and each account gets one mail. Without a due notice it writes nothing.
func (s *Store) WriteIncidentMails(ctx context.Context, now time.Time, compose func(IncidentAccount) OutgoingMail) (done IncidentSlice, err error) {
	due, err := dueIncidentNotices(s.read(ctx), now, 1)
	if err != nil || len(due) == 0 {
		return done, wrapErr("find incident notices", err)
	}
	if full, err := incidentMailsFull(s.read(ctx)); err != nil || full {
		return done, wrapErr("count incident mails", err)
	}
	err = s.tx(ctx, func(tx *gorm.DB) error {
		done = IncidentSlice{} // of an attempt that failed
		// The row is a lock: the count below must hold until the mails are committed.
		if err := tx.Exec("INSERT INTO mail_pace (priority, free_at) VALUES (?, 0) ON CONFLICT (priority) DO UPDATE SET free_at = mail_pace.free_at", MailIncident).Error; err != nil {
			return err
		}
		if full, err := incidentMailsFull(tx); err != nil || full {
			return err
		}
		due, err := dueIncidentNotices(tx, now, incidentSlice)
		if err != nil {
			return err
		}
		list, past, err := withTexts(tx, due, now)
		if err != nil {
			return err
		}
		list, absent, err := withAddresses(tx, list)
		if err != nil {
			return err
		}
		done.Dropped, done.Skipped = len(past), len(absent)
		if err := forEachIncident(append(past, absent...), func(incident uuid.UUID, users []uuid.UUID) error {
			return tx.Where("incident_id = ? AND user_id IN ?", incident, users).Delete(&IncidentNotice{}).Error
		}); err != nil {
			return err
		}
		done.Written, err = moveToOutbox(tx, list, now, compose)
		return err
	})
	return done, wrapErr("write incident mails", err)
}

func dueIncidentNotices(db *gorm.DB, now time.Time, limit int) (list []IncidentNotice, err error) {
	err = db.Where("next_at <= ?", dbTime(now)).Order("next_at, incident_id, user_id").Limit(limit).Find(&list).Error
	return list, err
}

// incidentMailsFull reports whether the outbox has no room for a slice.
func incidentMailsFull(db *gorm.DB) (bool, error) {
	var waiting int64
	err := db.Raw("SELECT count(*) FROM (SELECT 1 FROM mails WHERE priority = ? ORDER BY next_at LIMIT ?) AS m", MailIncident, MaxIncidentMails).Scan(&waiting).Error
	return waiting > MaxIncidentMails-incidentSlice, err
}

// withTexts adds the texts of their incidents to notices. past are the notices of incidents whose time is over, or that have no text.
func withTexts(tx *gorm.DB, due []IncidentNotice, now time.Time) (list []IncidentAccount, past []IncidentNotice, err error) {
	var ids []uuid.UUID
	for _, n := range due {
		ids = append(ids, n.IncidentID)
	}
	var texts []IncidentText
	if err := tx.Where("incident_id IN ? AND at > ?", ids, dbTime(now.Add(-IncidentLife))).Find(&texts).Error; err != nil {
		return nil, nil, err
	}
	for _, n := range due {
		i := slices.IndexFunc(texts, func(t IncidentText) bool { return t.IncidentID == n.IncidentID })
		if i < 0 {
			past = append(past, n)
			continue
		}
		list = append(list, IncidentAccount{Notice: n, Text: texts[i]})
	}
	return list, past, nil
}

// withAddresses adds the e-mail addresses of the accounts, and locks their rows: a deletion that runs must find the mails that are written
// now. absent are the notices of accounts that get none.
func withAddresses(tx *gorm.DB, list []IncidentAccount) (found []IncidentAccount, absent []IncidentNotice, err error) {
	if len(list) == 0 {
		return nil, nil, nil
	}
	var ids []uuid.UUID
	for _, a := range list {
		ids = append(ids, a.Notice.UserID)
	}
	var users []User
	if err := tx.Raw("UPDATE users SET updated_at = updated_at WHERE id IN ? RETURNING id, email, email_since, email_verified, disabled_at", ids).Scan(&users).Error; err != nil {
		return nil, nil, err
	}
	for _, a := range list {
		i := slices.IndexFunc(users, func(u User) bool { return u.ID == a.Notice.UserID })
		if i < 0 || users[i].DisabledAt != nil || !users[i].Verified() || users[i].Email == "" {
			absent = append(absent, a.Notice)
			continue
		}
		a.Email = users[i].Email
		found = append(found, a)
	}
	return found, absent, nil
}

// moveToOutbox notes that the mails are written, and writes those of the notices that were still to be told.
func moveToOutbox(tx *gorm.DB, list []IncidentAccount, now time.Time, compose func(IncidentAccount) OutgoingMail) (int, error) {
	var notices []IncidentNotice
	for _, a := range list {
		notices = append(notices, a.Notice)
	}
	type key struct{ incident, user uuid.UUID }
	due := map[key]bool{}
	err := forEachIncident(notices, func(incident uuid.UUID, users []uuid.UUID) error {
		var noted []uuid.UUID
		err := tx.Raw("UPDATE incident_notices SET next_at = NULL WHERE incident_id = ? AND user_id IN ? AND next_at IS NOT NULL RETURNING user_id", incident, users).Scan(&noted).Error
		for _, user := range noted {
			due[key{incident, user}] = true
		}
		return err
	})
	var mails []OutgoingMail
	for _, a := range list {
		if !due[key{a.Notice.IncidentID, a.Notice.UserID}] {
			continue
		}
		m := compose(a)
		m.UserID, m.Recipient, m.Priority = a.Notice.UserID, a.Email, MailIncident
		m.CreatedAt, m.NextAt = dbTime(now), dbTime(now)
		mails = append(mails, m)
	}
	if err != nil || len(mails) == 0 {
		return 0, err
	}
	made := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&mails)
	return int(made.RowsAffected), made.Error
}

// forEachIncident calls fn with the accounts of each incident.
func forEachIncident(list []IncidentNotice, fn func(incident uuid.UUID, users []uuid.UUID) error) error {
	users := map[uuid.UUID][]uuid.UUID{}
	for _, n := range list {
		users[n.IncidentID] = append(users[n.IncidentID], n.UserID)
	}
	for incident, ids := range users {
		if err := fn(incident, ids); err != nil {
			return err
		}
	}
	return nil
}
