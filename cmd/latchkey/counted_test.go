package main

import "testing"

func TestANumberHasItsNoun(t *testing.T) {
	for n, want := range map[int64]string{0: "0 rows", 1: "1 row", 2: "2 rows", 21: "21 rows"} {
		if got := counted(n, "row"); got != want {
			t.Errorf("%d is told as %q, want %q", n, got, want)
		}
	}
}
