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

const (
	// jobTime is how long a job may take, its turn included, before its process is given up: a hundred times what it does on an idle
	// machine, for processes that hash come last on a busy one, and twice that is less than a client waits.
	jobTime = 8 * time.Second
	// barredTime is for how long no process is tried again after one that could not be started, or never answered.
	barredTime = 10 * time.Second
)

// process is a hashing process. It is started for the first job, and again when it has gone. Where none can be started, or the first
// one goes before it has answered anything, this process does the work for a while.
type process struct {
	command func() *exec.Cmd
	log     *slog.Logger
	patient time.Duration
	here    sync.Mutex // one key at a time

	mu     sync.Mutex
	run    *run      // the last one that was started
	proven bool      // one has answered
	barred time.Time // until then none can do it
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
	if p.closed || time.Now().Before(p.barred) {
		return nil
	}
	if p.run != nil {
		select {
		case <-p.run.ended:
			p.proven = p.proven || p.run.answered.Load()
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
	if now := time.Now(); !p.closed && now.After(p.barred) {
		p.barred = now.Add(barredTime)
		p.log.Warn("passwords are hashed in this process for a while, which keeps everybody else waiting: another one cannot do it", "error", err)
	}
}

// run is one life of a process. It answers in the order in which it is asked.
type run struct {
	command  *exec.Cmd
	answered atomic.Bool
	ended    chan struct{} // closed when it has ended

	mu      sync.Mutex // guards those below, while a job is written
	in      io.WriteCloser
	out     *gob.Encoder
	last    uint64      // the number of the last job
	waiting chan waiter // whom the answers are for, oldest first
	over    bool        // nobody reads waiting any more
}

type waiter struct {
	number uint64
	key    chan<- []byte
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
	r := &run{command: c, ended: make(chan struct{}), in: in, out: gob.NewEncoder(in), waiting: make(chan waiter, mostWaiting)}
	go r.read(answers, log)
	return r, nil
}

// read hands the answers out, until the process ends.
func (r *run) read(answers io.Reader, log *slog.Logger) {
	in := gob.NewDecoder(bufio.NewReader(answers))
	for r.next(in) {
	}
	err := r.end()
	close(r.ended)
	r.mu.Lock()
	r.over = true
	close(r.waiting)
	r.mu.Unlock()
	lost := 0
	for next := range r.waiting {
		close(next.key)
		lost++
	}
	if err != nil {
		log.Warn("a process that hashes passwords has ended", "error", err, "jobs", lost)
	}
}

// next hands an answer to whoever asked first. Any other answer ends the process: a key must never come to another's password.
func (r *run) next(in *gob.Decoder) bool {
	var a answer
	if err := in.Decode(&a); err != nil {
		return false
	}
	select {
	case first := <-r.waiting: // it was noted before the job was sent
		if first.number != a.Number {
			close(first.key)
			return false
		}
		r.answered.Store(true)
		first.key <- a.Key
		return true
	default:
		return false
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
	mine := make(chan []byte, 1)
	if !r.send(j, mine) {
		return nil, false
	}
	key, ok := <-mine
	return key, ok
}

func (r *run) send(j order, key chan<- []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.last++
	j.Number = r.last
	r.waiting <- waiter{j.Number, key}
	if err := r.out.Encode(j); err != nil {
		r.kill() // half a job may be in the pipe
	}
	return true
}

func (r *run) kill() { _ = r.command.Process.Kill() }
