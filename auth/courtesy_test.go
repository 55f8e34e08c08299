package auth

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestACoreIsKeptForThoseWhoRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := courtesy{began: time.Now()}
		may := func(when string, want ...int) {
			t.Helper()
			for i, n := range want {
				if got := c.cores(i + 1); got != n {
					t.Errorf("%s, of %d cores %d may hash, want %d", when, i+1, got, n)
				}
			}
		}
		may("before anybody refreshed", 1, 2, 3)
		c.noteRefresh()
		may("at the moment of a refresh", 1, 1, 2)
		time.Sleep(courtesySpan - time.Second)
		may("soon after it", 1, 1, 2)
		c.noteRefresh()
		time.Sleep(courtesySpan - time.Nanosecond)
		may("not long after another", 1, 1, 2)
		time.Sleep(time.Nanosecond)
		may("long after it", 1, 2, 3)
		c.noteRefresh()
		may("once somebody refreshes again", 1, 1, 2)
	})
}
