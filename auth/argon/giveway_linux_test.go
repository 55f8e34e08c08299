package argon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Every thread of a hashing process comes after everybody else, those too that are started while it hashes.
func TestAProcessGivesWay(t *testing.T) {
	p, _ := aPool(t, 1, "well")
	for i := range 50 {
		p.check(t, i)
	}
	pid := p.processes[0].pid()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads %v, %v", threads, err)
	}
	for _, thread := range threads {
		var id int
		if _, err := fmt.Sscan(filepath.Base(thread), &id); err != nil {
			t.Fatal(err)
		}
		a, err := unix.SchedGetAttr(id, 0)
		if err != nil {
			t.Fatal(err)
		}
		if a.Policy != unix.SCHED_BATCH || a.Nice != niceness {
			t.Errorf("thread %d: policy %d, nice %d; want %d, %d", id, a.Policy, a.Nice, unix.SCHED_BATCH, niceness)
		}
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", pid)); err == nil && !strings.Contains(string(text), "nice 19") {
		t.Errorf("its session: %s", text)
	}
}
