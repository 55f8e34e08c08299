package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models/modelstest"
)

// TestMain forgets the settings of the shell that runs the tests.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "LATCHKEY_") && !strings.HasPrefix(name, "LATCHKEY_TEST_") {
			_ = os.Unsetenv(name)
		}
	}
	modelstest.Main(m)
}

// secretOf makes a server secret; different letters make different ones.
func secretOf(letter string) string {
	secret := sha256.Sum256([]byte(letter))
	return base64.StdEncoding.EncodeToString(secret[:])
}

// transcript collects what a program prints while a test reads it.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// outcome is how a command ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// command runs a command in this process on the database at url.
func command(t *testing.T, url, stdin string, args ...string) outcome {
	t.Helper()
	t.Setenv("LATCHKEY_DATABASE", url)
	if os.Getenv("LATCHKEY_SECRET") == "" {
		t.Setenv("LATCHKEY_SECRET", secretOf("a"))
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute) // of a server that should not have started
	defer end()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// must runs a command that succeeds, and returns what it printed.
func must(t *testing.T, url, stdin string, args ...string) string {
	t.Helper()
	o := command(t, url, stdin, args...)
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("latchkey %s: exit %d, stderr %q", strings.Join(args, " "), o.code, o.stderr)
	}
	return o.stdout
}

// refuses checks that a command ended with code and said so in one clear line that holds every one of words.
func (o outcome) refuses(t *testing.T, code int, words ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit %d, want %d; stderr %q", o.code, code, o.stderr)
	}
	if !strings.HasPrefix(o.stderr, "latchkey: ") || strings.Index(o.stderr, "\n") != len(o.stderr)-1 {
		t.Errorf("stderr is not one line from latchkey: %q", o.stderr)
	}
	for _, word := range words {
		if !strings.Contains(o.stderr, word) {
			t.Errorf("stderr does not say %q: %q", word, o.stderr)
		}
	}
}

// defaults are the settings as they are read from nothing, for a server on a free port at the database of url.
func defaults(t *testing.T, url string) Settings {
	t.Helper()
	var c cli
	if _, err := c.parse([]string{"version"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	c.Addr, c.Database, c.Secret, c.DBConns = "127.0.0.1:0", url, secretOf("a"), 8
	return c.Settings
}

// server is a program that runs in this process, with its log.
type server struct {
	*Program
	log *transcript
}

// serve starts the program as defaults has it, after a change of the settings. It is closed after the test.
func serve(t *testing.T, url string, change func(*Settings)) server {
	t.Helper()
	settings := defaults(t, url)
	if change != nil {
		change(&settings)
	}
	return serveWith(t, settings, nil)
}

func serveWith(t *testing.T, settings Settings, change func(*services.Config)) server {
	t.Helper()
	log := &transcript{}
	p, err := Start(&environment{ctx: t.Context(), settings: settings, stdin: strings.NewReader(""), stdout: log, stderr: log}, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		p.Close() // once more is no harm; tests that look at the error close it themselves
	})
	return server{p, log}
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// field is a member of a JSON answer, "" when it is not there or no text.
func (r reply) field(name string) string {
	var members map[string]any
	_ = json.Unmarshal([]byte(r.body), &members)
	text, _ := members[name].(string)
	return text
}

// want checks the status, and the members that are given as name, value, name, value.
func (r reply) want(t *testing.T, status int, members ...string) reply {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d: %.200s", r.status, status, r.body)
	}
	for i := 0; i+1 < len(members); i += 2 {
		if got := r.field(members[i]); got != members[i+1] {
			t.Errorf("%s is %q, want %q: %s", members[i], got, members[i+1], r.body)
		}
	}
	return r
}

// send sends a request and reads the answer to its end.
func send(t *testing.T, client *http.Client, method, address, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(b)}
}

// straight shows redirects instead of following them.
var straight = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func get(t *testing.T, address string, headers ...string) reply {
	t.Helper()
	return send(t, straight, http.MethodGet, address, "", headers...)
}

// login signs in as an app; extra are further members, name and value.
func login(t *testing.T, base, email, password, device string, extra ...string) reply {
	t.Helper()
	members := map[string]string{"email": email, "password": password, "device_name": device}
	for i := 0; i+1 < len(extra); i += 2 {
		members[extra[i]] = extra[i+1]
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, http.DefaultClient, http.MethodPost, base+"/api/login", string(body), "Content-Type", "application/json")
}

const formType = "application/x-www-form-urlencoded"

func refreshForm(token string) string {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}.Encode()
}

func refresh(t *testing.T, base, token string) reply {
	t.Helper()
	return send(t, http.DefaultClient, http.MethodPost, base+"/oauth/token", refreshForm(token), "Content-Type", formType)
}

func revoke(t *testing.T, base, token string) reply {
	t.Helper()
	return send(t, http.DefaultClient, http.MethodPost, base+"/oauth/revoke", url.Values{"token": {token}}.Encode(), "Content-Type", formType)
}

func whoami(t *testing.T, base, access string) reply {
	t.Helper()
	return get(t, base+"/api/whoami", "Authorization", "Bearer "+access)
}
