package auth

import "time"

// fresh tells whether what was remembered at a moment is younger than that. A moment that is still to come is of a clock that
// was wrong: what was remembered then may be of any age.
func fresh(at, now time.Time, within time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < within
}
