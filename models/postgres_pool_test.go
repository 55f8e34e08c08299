package models_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// A demoted primary keeps its connections. No connection may live longer than half an hour, and they must not all end at once.
func TestNoConnectionLivesLongerThanHalfAnHour(t *testing.T) {
	life, jitter, most, err := models.PoolSettings("postgres://latchkey@127.0.0.1:1/latchkey")
	if err != nil {
		t.Fatal(err)
	}
	if life <= 0 || jitter < time.Minute || life+jitter > 30*time.Minute {
		t.Errorf("connections live %s and up to %s more", life, jitter)
	}
	if most != 7 {
		t.Errorf("%d connections, want the 7 that were asked for", most)
	}
}

// Operators read these names beside the numbers of the metrics.
func TestPoolsAreNamedByWhatTheyDo(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var names []string
		for _, pool := range s.PoolStats() {
			names = append(names, pool.Name)
		}
		want := map[string]string{"sqlite": "writer reader", "postgres": "main refresh"}[s.Dialect()]
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
