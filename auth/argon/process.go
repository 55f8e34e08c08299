package argon

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// ErrProcess says that a process went down under a job, twice. Nothing is known about the password.
var ErrProcess = errors.New("argon: the hashing process does not answer")

// jobTime is how long a job may take, its turn included, before its process is given up. That of a process which hangs, not of a
// busy machine: processes that hash come last.
const jobTime = time.Minute

// process is a hashing process. It is started for the first job, and again when it has gone. Where none can be started, or the first
// one goes before it has answered anything, this process does the work from then on.
type process struct {
	command func() *exec.Cmd
	log     *slog.Logger
	patient time.Duration
	here    sync.Mutex // one key at a time

	mu     sync.Mutex
	run    *run // the last one that was started
	proven bool // one has answered
	barred bool // none can do it
	closed bool
}

func newProcess(command func() *exec.Cmd, log *slog.Logger) *process {
	return &process{command: command, log: log, patient: jobTime}
}

func (p *process) key(j order) ([]byte, error) {
	for range 2 { // it may have ended through no fault of the job, as when the machine runs out of memory
		r := p.running()
		if r == nil {
			return p.keyHere(j), nil
		}
		if key, ok := r.ask(j, p.patient); ok {
			return key, nil
		}
		if p.unproven(r) {
			return p.keyHere(j), nil
		}
	}
	return nil, ErrProcess
}

func (p *process) keyHere(j order) []byte {
	p.here.Lock()
	defer p.here.Unlock()
	return j.Key()
}

func (p *process) close() {
	p.mu.Lock()
	r := p.run
	p.closed = true
	p.mu.Unlock()
	if r != nil {
		_ = r.in.Close()
		defer time.AfterFunc(time.Second, r.kill).Stop() // it may be stopped
		<-r.ended
	}
}

// running is the process that lives, or nil when there is none and can be none.
func (p *process) running() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.barred {
		return nil
	}
	if p.run != nil {
		select {
		case <-p.run.ended:
		default:
			return p.run
		}
	}
	r, err := start(p.command(), p.log)
	if err != nil {
		p.bar(err)
		return nil
	}
	p.run = r
	return r
}

// unproven tells whether no process has ever answered, up to r, which has ended.
func (p *process) unproven(r *run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven = p.proven || r.answered.Load()
	if !p.proven {
		p.bar(errors.New("it ended before it had answered anything"))
	}
	return !p.proven
}

// bar is called with mu held.
func (p *process) bar(err error) {
	if !p.barred && !p.closed {
		p.log.Warn("passwords are hashed in this process, which keeps everybody else waiting: another one cannot do it", "error", err)
	}
	p.barred = true
}

// run is one life of a process. It answers in the order in which it is asked.
type run struct {
	command  *exec.Cmd
	answered atomic.Bool
	ended    chan struct{} // closed when it has ended

	mu      sync.Mutex // guards those below, while a job is written
	in      io.WriteCloser
	out     *gob.Encoder
	waiting chan chan<- []byte // whom the answers are for, oldest first
	over    bool               // nobody reads waiting any more
}

// mostWaiting is how many jobs one process may have. Those who ask are bounded elsewhere.
const mostWaiting = 1024

func start(c *exec.Cmd, log *slog.Logger) (*run, error) {
	setApart(c)
	in, err := c.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	answers, err := c.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	r := &run{command: c, ended: make(chan struct{}), in: in, out: gob.NewEncoder(in), waiting: make(chan chan<- []byte, mostWaiting)}
	go r.read(answers, log)
	return r, nil
}

// read hands the answers out, until the process ends.
func (r *run) read(answers io.Reader, log *slog.Logger) {
	in := gob.NewDecoder(bufio.NewReader(answers))
	for {
		var key []byte
		if err := in.Decode(&key); err != nil {
			break
		}
		r.answered.Store(true)
		(<-r.waiting) <- key // whoever waits was noted before the job was sent
	}
	err := r.end()
	close(r.ended)
	r.mu.Lock()
	r.over = true
	close(r.waiting)
	r.mu.Unlock()
	lost := 0
	for next := range r.waiting {
		close(next)
		lost++
	}
	if err != nil {
		log.Warn("a process that hashes passwords has ended", "error", err, "jobs", lost)
	}
}

// end waits for a process that has nothing to say any more, but not for long.
func (r *run) end() error {
	_ = r.in.Close()
	defer time.AfterFunc(time.Second, r.kill).Stop()
	return r.command.Wait() //nolint:wrapcheck // for the log
}

// ask returns false when the process ended before it answered. One that does not answer in time is killed.
func (r *run) ask(j order, patient time.Duration) ([]byte, bool) {
	watchdog := time.AfterFunc(patient, r.kill)
	defer watchdog.Stop()
	answer := make(chan []byte, 1)
	if !r.send(j, answer) {
		return nil, false
	}
	key, ok := <-answer
	return key, ok
}

func (r *run) send(j order, answer chan<- []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.waiting <- answer // before the job: its answer may come at once
	if err := r.out.Encode(j); err != nil {
		r.kill() // half a job may be in the pipe
	}
	return true
}

func (r *run) kill() { _ = r.command.Process.Kill() }
