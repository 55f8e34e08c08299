package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestAnOperatorsLimitsOfMemoryCount(t *testing.T) {
	before := debug.SetMemoryLimit(-1) // a negative one only asks
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOGC", "")
	if got := serverGC(); got != servingPercent {
		t.Errorf("GOGC is not set: %d, want %d", got, servingPercent)
	}
	t.Setenv("GOGC", "50")
	if got := serverGC(); got != 0 {
		t.Errorf("GOGC=50: %d, want 0", got)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	boundMemory()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("GOMEMLIMIT is set, and the limit went from %d to %d", before, got)
	}
	t.Setenv("GOMEMLIMIT", "")
	boundMemory()
	if got, want := debug.SetMemoryLimit(-1), int64(serverMemory+runtime.GOMAXPROCS(0)*hashingMemory); got != want {
		t.Errorf("the limit is %d, want %d", got, want)
	}
}
