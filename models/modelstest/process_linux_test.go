package modelstest

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestAServerOutlivesTheThreadThatAskedForIt(t *testing.T) {
	var p *process
	onDyingThread(func() {
		cmd := exec.Command("sleep", "60")
		cmd.SysProcAttr = sysProcAttr(account{}, syscall.SIGKILL)
		var err error
		if p, err = startProcess(cmd); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(200 * time.Millisecond)
	if !p.alive() {
		t.Fatal("the child was killed with the thread of the test that started it")
	}
	if err := p.end(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// onDyingThread runs f on a thread that ends with it: a goroutine that never
// unlocks its thread takes it along, unless it is the process's first one.
func onDyingThread(f func()) {
	done := make(chan bool)
	blocked := make(chan struct{})
	defer close(blocked)
	for {
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() == os.Getpid() {
				done <- false
				<-blocked // so that the next goroutine is put elsewhere
				runtime.UnlockOSThread()
				return
			}
			f()
			done <- true
		}()
		if <-done {
			return
		}
	}
}
