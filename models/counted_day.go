package models

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// CountedDay is a UTC day whose events were counted.
type CountedDay struct {
	Day       int64      // days since 1970-01-01
	BegunAt   time.Time  // when a process last began to count
	CountedAt *time.Time // when the kept counts were true; nil: there are none yet
}

// CountedDays returns the days from from (inclusive) to until (exclusive) that a process began to count, and their counts.
func (s *Store) CountedDays(ctx context.Context, from, until int64) (days []CountedDay, counts []DayCount, err error) {
	err = s.read(ctx).Raw("SELECT day, begun_at, counted_at FROM counted_days WHERE day >= ? AND day < ?", from, until).Scan(&days).Error
	if err == nil {
		err = s.read(ctx).Raw("SELECT day, kind, n FROM daily_counts WHERE day >= ? AND day < ?", from, until).Scan(&counts).Error
	}
	return days, counts, wrapErr("read daily counts", err)
}

// BeginDay reports whether this process is to count a day: no other began in the time before at that every says. A beginning in the future
// comes from a clock that was wrong, and counts for nothing.
func (s *Store) BeginDay(ctx context.Context, day int64, at time.Time, every time.Duration) (begun bool, err error) {
	err = s.write(ctx, func(db *gorm.DB) error {
		done := db.Exec(`INSERT INTO counted_days (day, begun_at) VALUES (?, ?)
			ON CONFLICT (day) DO UPDATE SET begun_at = excluded.begun_at WHERE counted_days.begun_at <= ? OR counted_days.begun_at > ?`,
			day, dbTime(at), dbTime(at.Add(-every)), dbTime(at))
		begun = done.RowsAffected == 1
		return done.Error
	})
	return begun, wrapErr("begin to count a day", err)
}

// KeepDay keeps the counts of a day that BeginDay gave to this process, which were true at at. A kind without events has a count of zero.
func (s *Store) KeepDay(ctx context.Context, day int64, at time.Time, counts []DayCount) error {
	counts = slices.SortedFunc(slices.Values(counts), func(a, b DayCount) int { return strings.Compare(string(a.Kind), string(b.Kind)) }) // no deadlocks
	return wrapErr("keep daily counts", s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Table("daily_counts").Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "day"}, {Name: "kind"}}, DoUpdates: clause.AssignmentColumns([]string{"n"}),
		}).Create(&counts).Error
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE counted_days SET counted_at = ? WHERE day = ?", dbTime(at), day).Error
	}))
}

// ForgetDays deletes the counts of the days before a day.
func (s *Store) ForgetDays(ctx context.Context, before int64) error {
	return wrapErr("forget daily counts", s.tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM daily_counts WHERE day < ?", before).Error; err != nil {
			return err
		}
		return tx.Exec("DELETE FROM counted_days WHERE day < ?", before).Error
	}))
}
