package argon

import (
	"log/slog"
	"os/exec"
	"sync/atomic"
)

// Pool is a process for each core that may hash. It is safe for concurrent use.
type Pool struct {
	processes []*process
	underWay  []atomic.Int32 // jobs, by process
}

// NewPool makes one of n processes, each of which command starts: a program that calls Serve on its standard input and output.
// They are started when there is something to do. It never has more memory in use than n jobs need, and as much again.
func NewPool(command func() *exec.Cmd, n int, log *slog.Logger) *Pool {
	p := &Pool{underWay: make([]atomic.Int32, n)}
	for range n {
		p.processes = append(p.processes, newProcess(command, log))
	}
	return p
}

// Size is how many processes there are.
func (p *Pool) Size() int { return len(p.processes) }

// Key derives the key of a job in the process that has the least to do of the first n, at least one. With fewer than there are, it
// also gives way more often, at some cost. The error is ErrProcess.
func (p *Pool) Key(j Job, n int) ([]byte, error) {
	least := 0
	for i := 1; i < min(n, len(p.processes)); i++ {
		if p.underWay[i].Load() < p.underWay[least].Load() {
			least = i
		}
	}
	p.underWay[least].Add(1)
	defer p.underWay[least].Add(-1)
	return p.processes[least].key(order{Job: j, Polite: n < len(p.processes)})
}

// Close ends the processes. Later jobs are done in this one.
func (p *Pool) Close() {
	for _, process := range p.processes {
		process.close()
	}
}
