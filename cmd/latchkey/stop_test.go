package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// A stranger who sends half a request must not decide how the program ends.
func TestHalfARequestIsCutOffWithoutAnError(t *testing.T) {
	s := serve(t, modelstest.SQLite(t), nil)
	for name, half := range map[string]string{
		"no header":   "POST /oauth/token HTTP/1.1\r\nHost: loc",
		"half a body": "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + formType + "\r\nContent-Length: 100\r\n\r\ngrant_",
	} {
		conn := dial(t, s.URL())
		if _, err := io.WriteString(conn, half); err != nil {
			t.Fatal(name, err)
		}
	}
	get(t, s.URL()+"/healthz").want(t, 200) // accepted after the two
	s.grace = 50 * time.Millisecond
	if err := s.Close(); err != nil {
		t.Errorf("the program ends with %v", err)
	}
	if log := s.log.String(); !strings.Contains(log, "cut off") {
		t.Errorf("the log does not tell: %s", log)
	}
}

// For as long as LATCHKEY_DRAIN says, load balancers are told, and requests are taken.
func TestAServerThatIsToldToStopServesOnForAWhile(t *testing.T) {
	s := serve(t, modelstest.SQLite(t), nil)
	addUser(t, s.env.settings.Database, ada)
	get(t, s.URL()+"/readyz").want(t, 200)
	over := make(chan error)
	go func() { over <- s.Drain(time.Hour) }()
	eventually(t, time.Minute, "not ready", func() bool { return get(t, s.URL()+"/readyz").status == 503 })
	get(t, s.URL()+"/readyz").want(t, 503, "code", "unavailable").comeAgain(t)
	get(t, s.URL()+"/healthz").want(t, 200)
	get(t, s.URL()+"/.well-known/jwks.json").want(t, 200)
	device := login(t, s.URL(), ada, password, "phone").want(t, 200)
	refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("stopping is told as an error: %s", s.log.String())
	}
	if o := healthcheck(t, s.URL()); o == nil || !strings.Contains(o.Error(), "503") {
		t.Errorf("healthcheck: %v", o)
	}
	select {
	case err := <-over:
		t.Fatalf("left already: %v", err)
	default:
	}
	s.failed <- io.EOF // a listener that ends
	if err := <-over; !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func healthcheck(t *testing.T, base string) error {
	t.Helper()
	return (&healthcheckCommand{URL: base}).Run(&environment{ctx: t.Context(), stdout: io.Discard})
}

// The whole program: SIGTERM, a while of 503 at /readyz, exit code 0; and a second signal ends it at once.
func TestTheProgramDrainsOnSIGTERM(t *testing.T) {
	t.Parallel()
	c := launch(t, append(on(modelstest.SQLite(t)), "LATCHKEY_DRAIN=500ms"), "serve")
	base := c.url(t)
	kept := dial(t, base) // so that it is seen without a new connection, however late
	read := bufio.NewReader(kept)
	ask := func() int {
		_, _ = io.WriteString(kept, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer, err := http.ReadResponse(read, nil)
		if err != nil {
			return 0
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	if got := ask(); got != 200 {
		t.Fatalf("ready: %d", got)
	}
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil { // is ignored: else the exit code is not 0
		t.Fatal(err)
	}
	c.stop(t)
	told := false
	eventually(t, time.Minute, "stopping", func() bool {
		status := ask()
		told = told || status == 503
		return status != 200
	})
	if o := c.end(t, time.Minute); o.code != 0 || !told {
		t.Errorf("exit %d, told %v: %s", o.code, told, o.stderr)
	}

	c = launch(t, append(on(modelstest.SQLite(t)), "LATCHKEY_DRAIN=1h"), "serve")
	base = c.url(t)
	c.stop(t)
	eventually(t, time.Minute, "stopping", func() bool { return get(t, base+"/readyz").status == 503 })
	c.stop(t)
	c.end(t, time.Minute)
}

// The demonstration shows every mail: a page of another site, whose name leads to this machine, must not read it.
func TestTheDemonstrationAnswersOnlyToItsName(t *testing.T) {
	settings := defaults(t, modelstest.SQLite(t))
	p, err := Start(&environment{ctx: t.Context(), settings: settings, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, gallery: true, demo: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	_, port, _ := strings.Cut(strings.TrimPrefix(p.URL(), "http://"), ":")
	for host, want := range map[string]int{
		"localhost:" + port: 200, "127.0.0.1:" + port: 200, "[::1]:" + port: 200, "LocalHost:" + port: 200, "localhost": 200, "127.0.0.1": 200,
		"evil.example:" + port: 421, "evil.example": 421, "localhost.evil.example:" + port: 421, "192.0.2.1:" + port: 421, "127.0.0.1.nip.io": 421,
	} {
		for _, path := range []string{"/login", "/gallery", "/readyz", "/.well-known/jwks.json"} {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.URL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s for %s: %d, want %d", path, host, answer.StatusCode, want)
			}
		}
	}
	ordinary := serve(t, modelstest.SQLite(t), nil)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, ordinary.URL()+"/login", nil)
	request.Host = "id.example.com"
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != 200 {
		t.Errorf("an ordinary server refuses a name: %d", answer.StatusCode)
	}
}
