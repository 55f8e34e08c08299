package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// servingPercent is a server's GOGC. What it holds is so little that the usual 100 would collect 70 times a second under load.
	servingPercent = 200
	serverMemory   = 64 << 20 // bytes that the program may have before it collects sooner, and
	hashingMemory  = 32 << 20 // for each core, since each may hash a password (19 MiB)
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
