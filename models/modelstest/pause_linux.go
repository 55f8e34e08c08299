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

// Kill ends all processes of the server with SIGKILL, stopped first so that none does anything more, and returns when the server is gone. An
// error when it is not running.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.proc.alive() {
		return errors.New("the cluster is not running")
	}
	if err := killFamily(c.proc.cmd.Process.Pid); err != nil {
		return err
	}
	<-c.proc.done
	return nil
}

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
	return signal(childrenOf(first), sig)
}

// killFamily kills a process and its children, after it stopped them all.
func killFamily(first int) error {
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		return err
	}
	all := append(childrenOf(first), first)
	return errors.Join(signal(all, syscall.SIGSTOP), signal(all, syscall.SIGKILL))
}

// signal sends a signal to processes. One that is gone is no error.
func signal(pids []int, sig syscall.Signal) (err error) {
	for _, pid := range pids {
		if kill := syscall.Kill(pid, sig); kill != nil && !errors.Is(kill, syscall.ESRCH) {
			err = errors.Join(err, kill)
		}
	}
	return err
}

// childrenOf are the children of a process. They are not read from its file "children": that may leave some out while others end.
func childrenOf(first int) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && parentOf(pid) == first {
			pids = append(pids, pid)
		}
	}
	return pids
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
