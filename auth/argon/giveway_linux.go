package argon

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// niceness leaves a hash a tenth of a core that somebody else wants, too: it comes after everybody else, but it comes. With the greatest,
// 19, a sign-in took seconds on a machine whose cores were all busy.
const niceness = 10

// giveWay asks for the processor behind everybody else, for every thread of this process; those to come inherit it. What a kernel
// or a sandbox does not allow it leaves out. It needs no privilege.
func giveWay() {
	go niceSession()
	attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: niceness}
	_ = unix.SchedSetAttr(0, &attributes, 0) // this thread, where there is no /proc
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

// niceSession is for kernels on which sessions share the processor out (sched(7), autogroup): there niceness counts between the threads
// of a session only. The process has a session of its own, whose niceness this is. Without a privilege it can be set by one process
// of the machine every tenth of a second; the others are told to try again.
func niceSession() {
	for range 50 {
		if err := os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(niceness)), 0); !errors.Is(err, unix.EAGAIN) {
			return
		}
		time.Sleep(50*time.Millisecond + rand.N(100*time.Millisecond)) //nolint:gosec // no secret
	}
}

// setApart gives the process a session of its own: no signal of a terminal reaches it, while the server answers what is under way.
func setApart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
