// Package argon computes argon2id (RFC 9106) in processes of their own, one for each core.
//
// A hash takes 19 MiB and a core for tens of milliseconds, and anybody may ask for one at the sign-in page. In the process that
// answers everybody else, hashes would set its collector going several times a second, and the kernel could not tell a thread that
// hashes from one that needs a few microseconds of the processor now. A process of its own can be told apart: it asks for the
// processor last, and its garbage is nobody else's. One process hashes one password at a time: its threads never wait for each
// other, and its memory goes from one hash to the next. It is given no settings and no secrets, only a password and a salt at a time.
package argon

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/crypto/argon2"
)

// Job is one key to derive.
type Job struct {
	Password, Salt []byte
	Time           uint32 // passes over the memory
	MemoryKiB      uint32
	Threads        uint8  // lanes
	Size           uint32 // of the key, in bytes
}

// Key derives it here. It panics for no passes or no lanes, as package argon2 does.
func (j Job) Key() []byte {
	return argon2.IDKey(j.Password, j.Salt, j.Time, j.MemoryKiB, j.Threads, j.Size)
}

// idleTime is how long after the last job a process gives its memory back.
const idleTime = 5 * time.Second

// Serve is what a process does: it derives what a Pool asks for on r, one key after the other, and answers on w. It changes how
// this whole process is scheduled and collected. It ends, without an error, when r does: whoever held the other end has gone.
func Serve(r io.Reader, w io.Writer) error {
	runtime.GOMAXPROCS(1)
	giveWay()
	// Taking the memory from the kernel anew would cost a tenth of each hash.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	s := server{jobs: make(chan order), ended: make(chan error, 2), idle: time.AfterFunc(idleTime, debug.FreeOSMemory)}
	defer s.idle.Stop()
	go s.read(r)
	go s.work(w)
	if err := <-s.ended; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// order is a job as it is sent, answer what comes back for it, under the same number.
type (
	order struct {
		Job
		Number uint64
		Polite bool // others want the processor
	}
	answer struct {
		Number uint64
		Key    []byte
	}
)

type server struct {
	// jobs has no buffer: whoever has read one holds it until the last is done and then reads on, whereupon another thread is woken
	// to compute. A thread that computes on and on, and counts for as little as this one, is left by the kernel where it is: two
	// shared a core next to a free one. The rest waits in the pipe.
	jobs  chan order
	ended chan error
	idle  *time.Timer
}

func (s *server) read(r io.Reader) {
	in := gob.NewDecoder(bufio.NewReader(r))
	for {
		var next order
		if err := in.Decode(&next); err != nil {
			s.ended <- err
			return
		}
		s.jobs <- next
	}
}

// key derives the key. Package argon2 computes each part of a hash in a goroutine of its own: with its thread held, another one is woken
// for each, and where somebody waits for the core the kernel lets him through then. It costs a twentieth.
func (o order) key() []byte {
	if o.Polite {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	return o.Key()
}

func (s *server) work(w io.Writer) {
	out := gob.NewEncoder(w)
	for next := range s.jobs {
		if err := out.Encode(answer{next.Number, next.key()}); err != nil {
			s.ended <- fmt.Errorf("answer: %w", err)
			return
		}
		s.idle.Reset(idleTime)
		runtime.GC()
	}
}
