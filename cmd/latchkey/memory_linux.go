package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// forgetStartup takes from this process those pages of its own program that it has mapped: the kernel maps 64 KiB around each
// place that is touched, and after a start, with its migrations, settings and templates, that is nearly all of the program. What is
// needed again comes back from the page cache. Only mappings that hold nothing of the process itself are touched.
func forgetStartup() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("read the mappings: %w", err)
	}
	defer func() { _ = maps.Close() }()
	var from, to uintptr
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		line := lines.Text()
		var low, high uintptr
		var access string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &low, &high, &access); n == 3 {
			from, to = 0, 0
			if strings.HasSuffix(line, " "+program) && !strings.Contains(access, "w") {
				from, to = low, high
			}
			continue
		}
		name, size, _ := strings.Cut(line, ":")
		// Pages that were written, as by a loader that relocates, are nowhere else, be they in memory or swapped out.
		if (name == "Anonymous" || name == "Swap") && strings.TrimSpace(size) != "0 kB" {
			from, to = 0, 0
		}
		if name == "Swap" && to > from { // the last of what is asked about
			if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED); errno != 0 {
				return fmt.Errorf("give the program's pages back: %w", errno)
			}
		}
	}
	return nil
}
