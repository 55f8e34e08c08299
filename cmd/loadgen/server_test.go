package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// server is the built program under load.
type server struct {
	url, program, tokens string
	generator            string // the built load generator
	environment          []string
	process              *exec.Cmd
	peak                 int64
	accounts             int
	port                 int
	secret               []byte // of the server
}

func newServer(b testing.TB, database string, accounts int) *server {
	b.Helper()
	// Below the ports that the system gives to clients, so that it is still free after a restart; servers of one run have different databases.
	s := &server{accounts: accounts, port: 20_000 + int(crc32.ChecksumIEEE([]byte(database))%10_000), secret: make([]byte, 32)}
	_, _ = rand.Read(s.secret) // never fails
	s.program, s.tokens = filepath.Join(b.TempDir(), "latchkey"), filepath.Join(b.TempDir(), "devices.json")
	s.generator = filepath.Join(filepath.Dir(s.program), "loadgen")
	build := exec.CommandContext(b.Context(), "go", "build", "-o", filepath.Dir(s.program)+"/", "latchkey/cmd/latchkey", "latchkey/cmd/loadgen")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "LATCHKEY_") {
			s.environment = append(s.environment, entry)
		}
	}
	s.environment = append(s.environment, "LATCHKEY_DATABASE="+database, "LATCHKEY_SECRET="+base64.StdEncoding.EncodeToString(s.secret))
	migrate := exec.CommandContext(b.Context(), s.program, "migrate")
	migrate.Env = s.environment
	if out, err := migrate.CombinedOutput(); err != nil {
		b.Fatalf("migrate: %v\n%s", err, out)
	}
	for n := range accounts {
		email := strings.ReplaceAll(benchEmail, "{n}", fmt.Sprint(n))
		add := exec.CommandContext(b.Context(), s.program, "user", "add", email, "--password-stdin")
		add.Env, add.Stdin = s.environment, strings.NewReader(benchWord+"\n")
		if out, err := add.CombinedOutput(); err != nil {
			b.Fatalf("add user: %v\n%s", err, out)
		}
	}
	s.start(b)
	s.load(b, options{Scenario: "refresh", Clients: 32, Requests: 32, Tokens: s.tokens})
	s.stop(b) // the hashes of those sign-ins are not part of what refreshing needs
	s.start(b)
	b.Cleanup(func() { s.stop(b) })
	return s
}

func (s *server) start(b testing.TB) {
	b.Helper()
	s.url, s.peak = fmt.Sprintf("http://127.0.0.1:%d", s.port), 0
	s.process = exec.CommandContext(context.WithoutCancel(b.Context()), s.program, "serve", "--addr", fmt.Sprintf("127.0.0.1:%d", s.port))
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	s.process.Env, s.process.Stderr = s.environment, log
	if err := s.process.Start(); err != nil {
		b.Fatal(err)
	}
	_ = log.Close()
	c, err := newClient(s.url)
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()
	for began := time.Now(); ; time.Sleep(200 * time.Microsecond) {
		if status, _, err := c.do("GET", "/readyz", "", "", "", nil); err == nil && status == 200 {
			return
		}
		if time.Since(began) > 20*time.Second {
			b.Fatal("the server does not become ready")
		}
	}
}

func (s *server) stop(b testing.TB) {
	b.Helper()
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	_ = s.process.Wait()
}

// startTime is the median time from exec to the first 200 of /readyz, in milliseconds.
func (s *server) startTime(b *testing.B) float64 {
	b.Helper()
	times := make([]float64, 9)
	for i := range times {
		s.stop(b)
		began := time.Now()
		s.start(b)
		times[i] = float64(time.Since(began)) / float64(time.Millisecond)
	}
	return median(times)
}

func (s *server) refresh(b *testing.B, clients int, rate float64) *report {
	b.Helper()
	r := s.load(b, options{Scenario: "refresh", Clients: clients, Rate: rate, Tokens: s.tokens})
	if r.Failed > 0 {
		b.Fatalf("%d of %d refreshes failed: %v", r.Failed, r.Requests, r.Errors)
	}
	return r
}

func (s *server) load(b testing.TB, o options) *report {
	b.Helper()
	o.URL, o.Email, o.Accounts, o.Password, o.PID = s.url, benchEmail, s.accounts, benchWord, s.process.Process.Pid
	if o.Duration == 0 {
		o.Duration = spell()
	}
	o.Devices = max(o.Devices, 1)
	if o.Requests == 0 {
		o.Requests = 10_000_000
	}
	if err := o.check(); err != nil {
		b.Fatal(err)
	}
	devices, err := o.signedIn(b.Context(), io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	r, err := load(b.Context(), o, devices, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	s.peak = max(s.peak, r.PeakAnon)
	return r
}

// flood lets people sign in at a rate for a while, from a process of its own: a measurement beside it must not be kept waiting
// by the flood's clients. It returns what waits for its end.
func (s *server) flood(b *testing.B, rate float64, lasts time.Duration) (ended func()) {
	b.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(b.Context(), s.generator, "login", "--url", s.url, "--email", benchEmail, "--accounts", strconv.Itoa(s.accounts),
		"--clients", "256", "--rate", fmt.Sprintf("%.0f", rate), "--duration", lasts.String(), "--pid", strconv.Itoa(s.process.Process.Pid), "--quiet", "--json")
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), "LOADGEN_PASSWORD="+benchWord), &out, &errs
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	return func() {
		b.Helper()
		var r report
		if err := c.Wait(); err != nil {
			b.Fatalf("the flood: %v\n%s", err, &errs)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			b.Fatalf("the flood's report: %v\n%s", err, &out)
		}
		s.peak = max(s.peak, r.PeakAnon)
	}
}
