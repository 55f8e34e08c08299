package services_test

import (
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// After an incident a process that starts reads its revocations in several statements, and misses none: neither of many at one moment, nor of a
// few at many moments, nor one of a clock that is ahead.
func TestVeryManyRevocationsAreReadWhole(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		d.change(t, func(c *services.Config) {
			c.StatusTTL, c.StatusURL = 30*time.Second, "https://id.example.com/statuslists/"
		})
		const many = 120_000 // half of them at one moment
		numbers := "generate_series(0, 119999) AS s(n)"
		if store.Dialect() == "sqlite" {
			numbers = "(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 119999) SELECT n FROM s) AS s"
		}
		began := d.now().Add(-2 * time.Hour)
		insert := func(index, revoked string, args ...any) {
			t.Helper()
			if _, err := store.Pools()[0].ExecContext(t.Context(), "INSERT INTO status_indexes (idx, revoked_at, expires_at) SELECT "+index+", "+revoked, args...); err != nil {
				t.Fatal(err)
			}
		}
		if store.Dialect() == "sqlite" {
			insert("n", "? + (CASE WHEN n < 60000 THEN 0 ELSE n END) * 20000, ? FROM "+numbers, began.UnixMicro(), d.now().Add(24*time.Hour).UnixMicro())
			insert("200000", "?, ?", d.now().Add(30*time.Hour).UnixMicro(), d.now().Add(48*time.Hour).UnixMicro())
		} else {
			insert("n", "$1::timestamptz + (CASE WHEN n < 60000 THEN 0 ELSE n END) * interval '20 milliseconds', $2::timestamptz FROM "+numbers, began, d.now().Add(24*time.Hour))
			insert("200000", "$1::timestamptz, $2::timestamptz", d.now().Add(30*time.Hour), d.now().Add(48*time.Hour))
		}
		if err := d.Revocations.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if st, ok := d.Revocations.State(); !ok || st.Revoked != many+1 {
			t.Errorf("%d of %d places are in the lists", st.Revoked, many+1)
		}
	})
}
