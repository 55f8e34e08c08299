package models

import (
	"testing"
	"time"
)

// On any machine, a batch that took too long makes the next one smaller, and a quick one makes it larger.
func TestBatchesTakeAboutAsLongAsTheyShould(t *testing.T) {
	for _, c := range []struct {
		limit int
		took  time.Duration
		want  int
	}{
		{100, 2 * time.Millisecond, 200}, {100, 8 * time.Millisecond, 100}, {400, 40 * time.Millisecond, 100},
		{100, time.Minute, leastBatch}, {mostBatch, 0, mostBatch},
	} {
		if got := nextBatch(c.limit, c.took, batchTime); got != c.want {
			t.Errorf("%d rows in %v: %d, want %d", c.limit, c.took, got, c.want)
		}
	}
}
