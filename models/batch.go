package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Long work is done in short transactions. On SQLite all other writes wait for as long as one takes. On PostgreSQL no other write
// waits, so fewer and larger ones are better.
const (
	firstBatch        = 100 // rows
	leastBatch        = 20
	mostBatch         = 1000
	batchTime         = 10 * time.Millisecond
	batchTimePostgres = 100 * time.Millisecond
)

// inBatches calls step in one short transaction after another, until a step has changed fewer rows than it was allowed to, or
// until the context ends, which is no error: then done is false. Between two transactions it rests for as long as the last one
// took, so that others get at least half of SQLite's time. Steps of all replicas run one behind the other.
func (s *Store) inBatches(ctx context.Context, step func(tx *gorm.DB, limit int) (int64, error)) (done bool, changed int64, err error) {
	for limit := firstBatch; ctx.Err() == nil; {
		var n int64
		var began time.Time
		err := s.tx(ctx, func(tx *gorm.DB) (err error) {
			if err := s.lockBulkWrites(tx); err != nil {
				return err
			}
			began = time.Now()
			n, err = step(tx, limit)
			return err
		})
		if err != nil {
			return false, changed, err
		}
		changed += n
		if n < int64(limit) {
			return true, changed, nil
		}
		took := time.Since(began)
		limit = nextBatch(limit, took, s.batchTime())
		rest := time.NewTimer(took)
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
		}
	}
	return false, changed, nil
}

func (s *Store) batchTime() time.Duration {
	if s.dialect == "postgres" {
		return batchTimePostgres
	}
	return batchTime
}

// nextBatch is how many rows the next transaction may change to take about as long as it should, when the last one changed limit
// rows in the time that it took.
func nextBatch(limit int, took, should time.Duration) int {
	switch {
	case took > should:
		limit = int(int64(limit) * int64(should) / int64(took))
	case took < should/2:
		limit *= 2
	}
	return min(max(limit, leastBatch), mostBatch)
}
