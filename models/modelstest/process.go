package modelstest

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child whose end is waited for from the beginning.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child is gone; err is readable then
	err  error
}

// startProcess starts cmd from a goroutine that keeps its thread for as long as
// the child lives: the kernel's parent-death signal is sent when the *thread* that
// forked ends, and Go ends threads as it likes (prctl(2), PR_SET_PDEATHSIG).
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

func (p *process) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end sends sig and waits for the child to go. After a minute it is killed,
// which is an error.
func (p *process) end(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && p.alive() {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(time.Minute):
		p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within a minute of %v and was killed", p.cmd.Path, sig)
	}
}
