package argon

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// niceness is the greatest.
const niceness = 19

// giveWay asks for the processor behind everybody else, for every thread of this process; those to come inherit it. What a kernel
// or a sandbox does not allow it leaves out. It needs no privilege.
func giveWay() {
	// Where sessions share the processor out (sched(7), autogroup), niceness counts between the threads of a session only: the
	// process has its own session, whose niceness this is.
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(niceness)), 0)
	attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: niceness}
	done := map[string]bool{}
	for fresh := true; fresh; { // again: a thread that was not done yet may have started another
		fresh = false
		threads, _ := os.ReadDir("/proc/self/task")
		for _, thread := range threads {
			if id, err := strconv.Atoi(thread.Name()); err == nil && !done[thread.Name()] {
				_ = unix.SchedSetAttr(id, &attributes, 0)
				done[thread.Name()], fresh = true, true
			}
		}
	}
}

// setApart gives the process a session of its own: no signal of a terminal reaches it, while the server answers what is under way.
func setApart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
