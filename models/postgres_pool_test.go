package models_test

import (
	"testing"
	"time"

	"latchkey/models"
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
