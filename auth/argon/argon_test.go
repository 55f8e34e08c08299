package argon

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/argon2"
)

// The test binary is the hashing process, too: well, or in one of these states.
func TestMain(m *testing.M) {
	serve := func() {
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	switch os.Getenv("ARGON_TEST") {
	case "well":
		serve()
	case "dead":
		os.Exit(3)
	case "babbles":
		fmt.Println("hello")
		time.Sleep(time.Minute)
	case "hangs":
		time.Sleep(time.Minute)
	case "answers twice": // the first job
		in, out := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
		for i := 0; ; i++ {
			var o order
			if in.Decode(&o) != nil {
				os.Exit(0)
			}
			a := answer{o.Number, o.Key()}
			_ = out.Encode(a)
			if i == 0 {
				_ = out.Encode(a)
			}
		}
	case "dies once": // unless the file is there, which it makes
		file := os.Getenv("ARGON_FILE")
		if _, err := os.Stat(file); err != nil {
			_ = os.WriteFile(file, nil, 0o600)
			_, _ = os.Stdin.Read(make([]byte, 1))
			os.Exit(4)
		}
		serve()
	}
	goleak.VerifyTestMain(m)
}

// aPool runs the test binary n times in a state. It is closed after the test, and its log is returned.
func aPool(t *testing.T, n int, state string) (*Pool, *record) {
	t.Helper()
	log, file := &record{}, filepath.Join(t.TempDir(), "died")
	p := NewPool(func() *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = []string{"ARGON_TEST=" + state, "ARGON_FILE=" + file, "GORACE=atexit_sleep_ms=0"}
		c.Stderr = os.Stderr
		return c
	}, n, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(p.Close)
	return p, log
}

type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// aJob is the i-th of many cheap ones, and its key.
func aJob(i int) (Job, []byte) {
	j := Job{Password: fmt.Append(nil, "password ", i), Salt: fmt.Append(nil, "a salt of ", i), Time: 1 + uint32(i%3), MemoryKiB: 64, Threads: 1 + uint8(i%2), Size: 16 + uint32(i%17)}
	return j, argon2.IDKey(j.Password, j.Salt, j.Time, j.MemoryKiB, j.Threads, j.Size)
}

func (p *Pool) check(t *testing.T, i int) {
	t.Helper()
	j, want := aJob(i)
	if key, err := p.Key(j, p.Size()); err != nil || !bytes.Equal(key, want) {
		t.Errorf("job %d: %x (%v), want %x", i, key, err, want)
	}
}

// pid is that of the last process that was started, 0 when there was none.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return 0
	}
	return p.run.command.Process.Pid
}

func TestEverybodyGetsTheKeyOfTheirOwnJob(t *testing.T) {
	p, log := aPool(t, 3, "well")
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() { p.check(t, i) })
	}
	wait.Wait()
	for i, process := range p.processes {
		if process.pid() == 0 {
			t.Errorf("process %d of 3 had nothing to do", i)
		}
	}
	if log.String() != "" {
		t.Errorf("logged: %s", log)
	}
}

func TestNoMoreProcessesThanAllowed(t *testing.T) {
	p, _ := aPool(t, 3, "well")
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			j, want := aJob(i)
			if key, err := p.Key(j, 1); err != nil || !bytes.Equal(key, want) {
				t.Errorf("job %d: %x (%v), want %x", i, key, err, want)
			}
		})
	}
	wait.Wait()
	if p.processes[0].pid() == 0 || p.processes[1].pid() != 0 || p.processes[2].pid() != 0 {
		t.Error("another process than the first was started")
	}
}

func TestAProcessThatWasKilledIsStartedAnew(t *testing.T) {
	p, log := aPool(t, 1, "well")
	p.check(t, 1)
	before := p.processes[0].pid()
	for range 3 {
		if err := p.processes[0].run.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.check(t, 2)
	}
	if after := p.processes[0].pid(); after == before {
		t.Error("it is the same process")
	}
	if !strings.Contains(log.String(), "signal: killed") {
		t.Errorf("nobody was told: %s", log)
	}
}

// The worst that could happen: from one answer too many on, everybody would get the key of somebody else's password.
func TestAnAnswerTooManyReachesNobody(t *testing.T) {
	p, _ := aPool(t, 1, "answers twice")
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			j, want := aJob(i)
			if key, err := p.Key(j, 1); err == nil && !bytes.Equal(key, want) {
				t.Errorf("job %d: %x, want %x", i, key, want)
			}
		})
	}
	wait.Wait()
	for i := range 5 {
		j, want := aJob(i)
		if key, err := p.Key(j, 1); err == nil && !bytes.Equal(key, want) {
			t.Errorf("job %d: %x, want %x", i, key, want)
		}
	}
}

func TestAJobSurvivesItsProcess(t *testing.T) {
	p, _ := aPool(t, 1, "dies once")
	p.processes[0].proven = true // as if it had answered before
	p.check(t, 1)
	if !p.processes[0].barred.IsZero() {
		t.Error("it was given up")
	}
}

// A process that has answered once and then goes down under a job again and again is no reason to do here what it could not.
func TestAJobThatNoProcessSurvivesFails(t *testing.T) {
	p, _ := aPool(t, 1, "dead")
	p.processes[0].proven = true
	j, _ := aJob(1)
	if key, err := p.Key(j, 1); !errors.Is(err, ErrProcess) || key != nil {
		t.Errorf("%x, %v; want ErrProcess", key, err)
	}
}

func TestWhereNoProcessCanDoItItIsDoneHere(t *testing.T) {
	for state, why := range map[string]string{"dead": "exit status 3", "babbles": "before it had answered", "hangs": "before it had answered"} {
		t.Run(state, func(t *testing.T) {
			p, log := aPool(t, 1, state)
			p.processes[0].patient = 500 * time.Millisecond
			for i := range 3 {
				p.check(t, i)
			}
			if said := log.String(); strings.Count(said, "hashed in this process") != 1 || !strings.Contains(said, why) {
				t.Errorf("logged: %s", said)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		log := &record{}
		p := NewPool(func() *exec.Cmd { return exec.Command("/does/not/exist") }, 2, slog.New(slog.NewTextHandler(log, nil)))
		defer p.Close()
		for i := range 3 {
			p.check(t, i)
		}
		if !strings.Contains(log.String(), "no such file") {
			t.Errorf("logged: %s", log)
		}
	})
}

// What kept a process from being started may pass.
func TestAProcessIsTriedAgainAfterAWhile(t *testing.T) {
	there := false
	p := NewPool(func() *exec.Cmd {
		c := exec.Command("/does/not/exist")
		if there {
			c = exec.Command(os.Args[0])
			c.Env = []string{"ARGON_TEST=well", "GORACE=atexit_sleep_ms=0"}
		}
		return c
	}, 1, slog.New(slog.DiscardHandler))
	defer p.Close()
	p.check(t, 1)
	there = true
	p.check(t, 2)
	if p.processes[0].pid() != 0 {
		t.Error("it was tried again at once")
	}
	p.processes[0].barred = time.Now().Add(-time.Second)
	p.check(t, 3)
	if p.processes[0].pid() == 0 {
		t.Error("it was not tried again")
	}
}

func TestAfterCloseItIsDoneHere(t *testing.T) {
	p, log := aPool(t, 2, "well")
	p.check(t, 1)
	p.Close()
	p.check(t, 2)
	p.Close()
	if log.String() != "" {
		t.Errorf("logged: %s", log)
	}
}
