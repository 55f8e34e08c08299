package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Long work is split into short transactions. On SQLite every other write waits while one runs. On PostgreSQL no other write waits,
// so fewer and larger transactions are better.
const (
	firstBatch        = 100 // rows of the first transaction
	leastBatch        = 20
	mostBatch         = 1000
	batchTime         = 10 * time.Millisecond
	batchTimePostgres = 100 * time.Millisecond
)

// inBatches calls step in one short transaction after another until a step changes fewer rows than limit. When the context ends
// first, it returns done == false and no error. After each transaction it sleeps for as long as the transaction took, which leaves
// at least half of SQLite's time to other writes. Only one replica runs a step at a time.
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

// nextBatch returns how many rows the next transaction may change. The last one changed limit rows and took a certain time; the
// next should take about as long as should.
func nextBatch(limit int, took, should time.Duration) int {
	switch {
	case took > should:
		limit = int(int64(limit) * int64(should) / int64(took))
	case took < should/2:
		limit *= 2
	}
	return min(max(limit, leastBatch), mostBatch)
}
