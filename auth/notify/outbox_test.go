package notify

import (
	"testing"
	"time"
)

func TestPausesDoubleToAnHourAndAreLeftToChance(t *testing.T) {
	for tries, most := range map[int64]time.Duration{0: 10, 1: 10, 2: 20, 5: 160, 9: 2560, 10: 3600, 1000: 3600} {
		seen := map[time.Duration]bool{}
		for range 50 {
			wait := Pause(tries)
			if seen[wait] = true; wait < most*time.Second/2 || wait > most*time.Second {
				t.Errorf("after %d tries: %s, want %ds at most", tries, wait, most)
			}
		}
		if len(seen) < 2 {
			t.Errorf("after %d tries: always the same", tries)
		}
	}
}
