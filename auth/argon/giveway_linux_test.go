package argon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
}

// Where sessions share the processor out, every process's own session comes last, those too that are started together.
func TestEverySessionGivesWay(t *testing.T) {
	if _, err := os.ReadFile("/proc/self/autogroup"); err != nil {
		t.Logf("this kernel has no autogroups: %v", err)
		return
	}
	p, _ := aPool(t, 3, "well")
	var wait sync.WaitGroup
	for i := range 30 {
		wait.Go(func() { p.check(t, i) })
	}
	wait.Wait()
	for i, process := range p.processes {
		var text []byte
		for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
			text, _ = os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", process.pid()))
			if strings.HasSuffix(strings.TrimSpace(string(text)), fmt.Sprintf("nice %d", niceness)) {
				break
			}
		}
		if !strings.HasSuffix(strings.TrimSpace(string(text)), fmt.Sprintf("nice %d", niceness)) {
			t.Errorf("the session of process %d: %q", i, text)
		}
	}
}
