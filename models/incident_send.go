package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Pace is how often a mail may be sent, by all replicas together.
type Pace struct {
	Every time.Duration // from one mail to the next
	Burst time.Duration // the mails of so long may go at once after a pause
}

// wrongPace is how far ahead the time of the next mail can be: past it, a clock was wrong.
const wrongPace = 5 * time.Minute

// take takes a turn, if one is free. It is the generic cell rate algorithm in one statement.
func (p Pace) take(tx *gorm.DB, priority int64, now time.Time) (bool, error) {
	earliest, every := now.Add(-p.Burst).UnixMicro(), p.Every.Microseconds()
	done := tx.Exec(`INSERT INTO mail_pace (priority, free_at) VALUES (?, ?) ON CONFLICT (priority) DO UPDATE SET
		free_at = CASE WHEN mail_pace.free_at BETWEEN ? AND ? THEN mail_pace.free_at ELSE ? END + ?
		WHERE mail_pace.free_at <= ? OR mail_pace.free_at > ?`,
		priority, earliest+every, earliest, now.UnixMicro(), earliest, every, now.UnixMicro(), now.Add(wrongPace).UnixMicro())
	return done.RowsAffected > 0, done.Error
}

// ClaimIncidentMail claims the mail about an incident that is due next, as ClaimMail does. It returns ErrNotFound also while another mail is
// due, and while the pace allows none.
func (s *Store) ClaimIncidentMail(ctx context.Context, p Pace, now, until time.Time) (m OutgoingMail, err error) {
	var next []uuid.UUID // read first, so that an empty outbox causes no writes
	err = s.read(ctx).Raw("SELECT id FROM mails WHERE priority = ? AND next_at <= ? ORDER BY next_at, id LIMIT 1", MailIncident, dbTime(now)).Scan(&next).Error
	if err != nil || len(next) == 0 {
		return m, wrapErr("find incident mail", orRefuse(err, ErrNotFound))
	}
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if free, err := p.take(tx, MailIncident, now); err != nil || !free {
			return orRefuse(err, ErrNotFound)
		}
		var claimed []OutgoingMail
		args := []any{dbTime(until), next[0], dbTime(now)}
		for p := range int64(MailIncident) {
			args = append(args, p, dbTime(now))
		}
		err := tx.Raw("UPDATE mails SET next_at = ?, tries = tries + 1 WHERE id = ? AND next_at <= ?"+strings.Repeat(
			" AND (SELECT other.id FROM mails AS other WHERE other.priority = ? AND other.next_at <= ? ORDER BY other.next_at, other.id LIMIT 1) IS NULL", MailIncident)+" RETURNING *", args...).
			Scan(&claimed).Error
		if err != nil || len(claimed) == 0 {
			return orRefuse(err, ErrNotFound) // the turn is given back
		}
		m = claimed[0]
		return nil
	})
	return m, wrapErr("claim incident mail", err)
}

// IncidentAccount reads what a mail about an incident tells an account. It returns ErrNotFound when IncidentLife is over, or when the account
// is not to be told any more.
func (s *Store) IncidentAccount(ctx context.Context, incident, user uuid.UUID, now time.Time) (a IncidentAccount, err error) {
	err = s.read(ctx).Where("incident_id = ? AND user_id = ?", incident, user).Take(&a.Notice).Error
	if err == nil {
		err = s.read(ctx).Where("incident_id = ? AND at > ?", incident, dbTime(now.Add(-IncidentLife))).Take(&a.Text).Error
	}
	return a, wrapErr("read incident", err)
}

// PutBackIncidentMail takes a mail that the server put off out of the outbox. Its notice is due again at until: the outbox has room for few of these
// mails, and must not be full of those that cannot be sent.
func (s *Store) PutBackIncidentMail(ctx context.Context, id uuid.UUID, n IncidentNotice, until time.Time) error {
	return wrapErr("put incident mail back", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Where("id = ?", id).Delete(&OutgoingMail{})
		if done.Error != nil || done.RowsAffected == 0 {
			return done.Error
		}
		return tx.Model(&IncidentNotice{}).Where("incident_id = ? AND user_id = ?", n.IncidentID, n.UserID).
			UpdateColumns(map[string]any{"next_at": dbTime(until), "tries": gorm.Expr("tries + 1")}).Error
	}))
}

// DropIncidents deletes the notices and the waiting mails of each incident whose IncidentLife is over, in small batches. The text stays, as a
// record. It returns how many accounts were never sent a mail, and how many rows it deleted in all.
func (s *Store) DropIncidents(ctx context.Context, now time.Time) (dropped, deleted int64, err error) {
	before := dbTime(now.Add(-IncidentLife))
	deleted, err = s.sweep(ctx, deletion{"mails", "id", pastRows{fmt.Sprintf("priority = %d AND created_at < ?", MailIncident), []time.Time{before}}})
	if dropped = deleted; err != nil {
		return dropped, deleted, err
	}
	var over []uuid.UUID
	err = s.read(ctx).Model(&IncidentText{}).Where("at <= ? AND EXISTS (SELECT 1 FROM incident_notices WHERE incident_notices.incident_id = incident_texts.incident_id)", before).
		Pluck("incident_id", &over).Error
	if err != nil {
		return dropped, deleted, wrapErr("find past incidents", err)
	}
	for _, id := range over {
		n, m, err := s.dropNotices(ctx, id)
		if dropped, deleted = dropped+n, deleted+m; err != nil {
			return dropped, deleted, err
		}
	}
	return dropped, deleted, nil
}

// dropNotices deletes the notices of an incident. It returns how many accounts of them had no mail, and how many rows there were.
func (s *Store) dropNotices(ctx context.Context, incident uuid.UUID) (dropped, deleted int64, err error) {
	_, deleted, err = s.inBatches(ctx, func(tx *gorm.DB, limit int) (int64, error) {
		var waited []bool
		err := tx.Raw(`DELETE FROM incident_notices WHERE (incident_id, user_id) IN
			(SELECT incident_id, user_id FROM incident_notices WHERE incident_id = ? LIMIT ?) RETURNING next_at IS NOT NULL`, incident, limit).Scan(&waited).Error
		for _, w := range waited {
			if w {
				dropped++
			}
		}
		return int64(len(waited)), err
	})
	return dropped, deleted, wrapErr("drop incident notices", err)
}

// WaitingIncidentNotices counts, up to limit, the accounts that are to be told of an incident and whose mail is not written yet.
func (s *Store) WaitingIncidentNotices(ctx context.Context, limit int) (n int64, err error) {
	err = s.read(ctx).Raw("SELECT count(*) FROM (SELECT 1 FROM incident_notices WHERE next_at IS NOT NULL LIMIT ?) AS n", limit).Scan(&n).Error
	return n, wrapErr("count incident notices", err)
}
