package main

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// notifySocket takes what a service tells systemd.
func notifySocket(t *testing.T) (path string, next func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return path, func() string {
		message := make([]byte, 4096)
		_ = socket.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := socket.Read(message)
		if err != nil {
			t.Fatalf("systemd is told nothing: %v", err)
		}
		return string(message[:n])
	}
}

func TestSystemdIsToldOfTheStartTheLifeAndTheEnd(t *testing.T) {
	t.Parallel()
	path, next := notifySocket(t)
	c := launch(t, append(on(modelstest.SQLite(t)), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=8000000", "LATCHKEY_DRAIN=100ms"), "serve")
	ready := next()
	base := c.url(t)
	if want := "READY=1\nSTATUS=Serving " + base; ready != want {
		t.Errorf("first %q, want %q", ready, want)
	}
	get(t, base+"/readyz").want(t, 200)
	for range 3 {
		if told := next(); told != "WATCHDOG=1" {
			t.Errorf("told %q", told)
		}
	}
	c.stop(t)
	told := next()
	for told == "WATCHDOG=1" {
		told = next()
	}
	if want := "STOPPING=1\nEXTEND_TIMEOUT_USEC=15100000"; told != want {
		t.Errorf("at the end %q, want %q", told, want)
	}
	if o := c.end(t, time.Minute); o.code != 0 || strings.Contains(o.stderr, "does not answer") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

func TestWithoutTheWatchdogSystemdIsToldOfTheStartOnly(t *testing.T) {
	t.Parallel()
	path, next := notifySocket(t)
	c := launch(t, append(on(modelstest.SQLite(t)), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=0x"), "serve")
	base := c.url(t)
	get(t, base+"/readyz").want(t, 200)
	c.stop(t)
	o := c.end(t, time.Minute)
	if told := []string{next(), next()}; !strings.HasPrefix(told[0], "READY=1\n") || !strings.HasPrefix(told[1], "STOPPING=1\n") {
		t.Errorf("told %q", told)
	}
	if !strings.Contains(o.stderr, "WATCHDOG_USEC") {
		t.Errorf("a wrong interval is not told: %s", o.stderr)
	}
}

// The watchdog must see a server that accepts connections and does not answer.
func TestAServerThatHangsDoesNotAnswer(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // the question goes past it
	s := serve(t, modelstest.SQLite(t), func(s *Settings) { s.Addr = ":0" })
	if err := answers(t.Context(), s.address, time.Minute); err != nil {
		t.Errorf("a server that lives: %v", err)
	}
	hung, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	if err := answers(t.Context(), hung.Addr(), 50*time.Millisecond); err == nil {
		t.Error("a listener without a server counts as alive")
	}
	other := serve(t, modelstest.SQLite(t), func(s *Settings) { s.MetricsAddr = "127.0.0.1:0" })
	at := strings.Split(other.log.String(), "msg=measuring address=")
	if len(at) != 2 {
		t.Fatal(other.log.String())
	}
	metrics, err := net.ResolveTCPAddr("tcp", strings.Fields(at[1])[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := answers(t.Context(), metrics, time.Minute); err == nil || !slices.Contains(strings.Fields(err.Error()), "404") {
		t.Errorf("a listener without /healthz: %v", err)
	}
}
