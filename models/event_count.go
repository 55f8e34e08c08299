package models

import (
	"context"
	"time"
)

// DayCount is how many events of one kind there were on one UTC day.
type DayCount struct {
	Day  int64 // days since 1970-01-01
	Kind EventKind
	N    int64
}

// DailyCounts counts the events of some kinds by UTC day, from from (inclusive) to until (exclusive). The result may have two
// counts for one day and kind; the caller adds them.
func (s *Store) DailyCounts(ctx context.Context, kinds []EventKind, from, until time.Time) ([]DayCount, error) {
	day := "at / 86400000000" // whole microseconds
	if s.dialect == "postgres" {
		day = "floor(extract(epoch FROM at) / 86400)::bigint"
	}
	var list []DayCount
	// Few events stand for several (more > 0), and those are summed separately. A sum over all events would have to read every row.
	err := s.read(ctx).Raw("SELECT "+day+` AS day, kind, count(*) AS n FROM events WHERE kind IN ? AND at >= ? AND at < ? GROUP BY 1, 2
		UNION ALL SELECT `+day+` AS day, kind, CAST(sum(more) AS bigint) AS n FROM events WHERE more > 0 AND kind IN ? AND at >= ? AND at < ? GROUP BY 1, 2`,
		kinds, dbTime(from), dbTime(until), kinds, dbTime(from), dbTime(until)).Scan(&list).Error
	return list, wrapErr("count events", err)
}
