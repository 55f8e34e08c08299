package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Retention says what Sweep deletes. A zero time deletes nothing.
type Retention struct {
	DevicesBefore      time.Time // devices revoked or expired before this
	EventsBefore       time.Time // events older than this
	FailuresBefore     time.Time // events of wrong passwords
	CountersBefore     time.Time // counters whose window ended before this, or starts more than an hour after it
	KnownOriginsBefore time.Time // known origins last used before this
	StatusBefore       time.Time // status indexes of devices that expired before this
	LinksBefore        time.Time // mailed links that expired before this; used ones stay for UsedLinkLife
	ChallengesBefore   time.Time // challenges that expired before this
	DeviceCodesBefore  time.Time // device codes that expired before this
	TrustBefore        time.Time // trusted browsers that expired before this
	NoticesBefore      time.Time // notices of sign-outs that are older than this
	MessagesBefore     time.Time // messages of webhooks that were done before this; later than lateCommits after them
	LostMessagesBefore time.Time // messages of events that are older than this: they were given up, or their webhook is gone
	CreationsBefore    time.Time // keys of clients' creations that are older than this
	IncidentsBefore    time.Time // incidents that were previewed before this and do not run
	PreviewsBefore     time.Time // previews of incidents that were made before this and not confirmed; zero: IncidentsBefore does not count either
	AlertsBefore       time.Time // records of mails about sign-ins for accounts whose last such mail is older than this
}

// Sweep deletes what is past retention, in small batches, and returns how many rows it deleted. When ctx ends it stops without an
// error, and the next sweep continues.
func (s *Store) Sweep(ctx context.Context, r Retention) (deleted int64, err error) {
	if deleted, err = s.SweepCounters(ctx, r.CountersBefore); err != nil {
		return deleted, err
	}
	if !r.DeviceCodesBefore.IsZero() {
		n, err := s.SweepDeviceCodes(ctx, r.DeviceCodesBefore)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	var list []deletion
	for _, t := range UserTables {
		if t.past == nil {
			continue
		}
		for _, rows := range t.past(r) {
			list = append(list, deletion{t.Name, t.key, rows})
		}
	}
	list = append(list, deletion{"status_indexes", "idx", pastRows{"expires_at < ?", []time.Time{r.StatusBefore}}},
		deletion{"creations", "client_id, key", pastRows{"created_at < ?", []time.Time{r.CreationsBefore}}},
		deletion{"incidents", "id", pastRows{"state = 'preview' AND created_at < ? OR state <> 'running' AND created_at < ?", []time.Time{r.PreviewsBefore, r.IncidentsBefore}}})
	if citus, err := s.onCitus(ctx); err != nil {
		return deleted, err
	} else if citus {
		list = append(list, deletion{"addresses", "email_key", pastRows{"held_until < ?", []time.Time{r.LinksBefore}}})
	}
	for _, d := range list {
		n, err := s.sweep(ctx, d)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

// deletion describes the rows of a table to delete.
type deletion struct {
	table, key string
	pastRows
}

// SweepCounters deletes the counters whose window ended before the given time. Strangers can create many counters, so call it
// often.
func (s *Store) SweepCounters(ctx context.Context, before time.Time) (deleted int64, err error) {
	if before.IsZero() {
		return 0, nil
	}
	for _, d := range []deletion{
		{"attempts", "key", pastRows{"ends_at < ?", []time.Time{before}}},
		{"attempts", "key", pastRows{"ends_at IS NULL AND window_start < ?", []time.Time{before.Add(-time.Hour)}}}, // of an earlier release
		{"attempts", "key", pastRows{"window_start > ?", []time.Time{before.Add(time.Hour)}}},                      // of a clock that was wrong
	} {
		n, err := s.sweep(ctx, d)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}

func (s *Store) sweep(ctx context.Context, d deletion) (int64, error) {
	if d.before[0].IsZero() {
		return 0, nil
	}
	var args []any
	for _, at := range d.before {
		args = append(args, dbTime(at))
	}
	statement := "DELETE FROM " + d.table + " WHERE (" + d.key + ") IN (SELECT " + d.key + " FROM " + d.table + " WHERE " + d.condition + " LIMIT ?)"
	_, deleted, err := s.inBatches(ctx, func(tx *gorm.DB, limit int) (int64, error) {
		done := tx.Exec(statement, append(args, limit)...)
		return done.RowsAffected, done.Error
	})
	return deleted, wrapErr("sweep "+d.table, err)
}
