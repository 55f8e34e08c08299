package modelstest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Pause stops all processes of the server, as a machine that hangs does: its connections stay open and answer nothing, and new ones
// are accepted by the kernel. It goes on with Resume, or after the test.
func (c *Cluster) Pause(t testing.TB) error {
	t.Cleanup(func() { _ = c.Resume() })
	return c.signalAll(syscall.SIGSTOP)
}

// Resume lets a server go on that was paused.
func (c *Cluster) Resume() error { return c.signalAll(syscall.SIGCONT) }

// signalAll sends a signal to the server's first process and its children. Once the first one is stopped, there are no new ones.
func (c *Cluster) signalAll(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.proc.alive() {
		return nil
	}
	first := c.proc.cmd.Process.Pid
	if err := syscall.Kill(first, sig); err != nil {
		return err
	}
	// Not the file "children": it may leave some out while others end.
	entries, err := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, notProcess := strconv.Atoi(entry.Name())
		if notProcess != nil || parentOf(pid) != first {
			continue
		}
		if kill := syscall.Kill(pid, sig); kill != nil && !errors.Is(kill, syscall.ESRCH) {
			err = errors.Join(err, kill)
		}
	}
	return err
}

// parentOf reads the parent of a process (proc(5), /proc/pid/stat), or returns 0.
func parentOf(pid int) (parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	if fields := strings.Fields(rest); len(fields) > 1 {
		parent, _ = strconv.Atoi(fields[1])
	}
	return parent
}
