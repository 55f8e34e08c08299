package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// servingPercent is a server's GOGC. A server holds some 9 MB, which the usual 100 would collect 15 times a second under load: each
	// collection delays the requests beside it.
	servingPercent = 400
	serverMemory   = 64 << 20 // bytes that the program may have before it collects sooner, and
	hashingMemory  = 32 << 20 // for each core: a hash of a password (19 MiB), and half as much of garbage
)

// boundMemory is for the beginning of the program. GOMEMLIMIT counts instead where it is set.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(serverMemory + int64(runtime.GOMAXPROCS(0))*hashingMemory)
	}
}

// serverGC is the GOGC that a server sets for itself; 0: the operator has set it.
func serverGC() int {
	if os.Getenv("GOGC") != "" {
		return 0
	}
	return servingPercent
}

// collectAsServer is for the end of the start, whose garbage is collected at the usual pace.
func collectAsServer() {
	if percent := serverGC(); percent > 0 {
		debug.SetGCPercent(percent)
	}
}
