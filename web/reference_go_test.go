package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/views"
	"latchkey/views/reference/latchkey"
)

// program is a program with the reference client in Go.
type program struct {
	*latchkey.Client
	f      *field
	opened int
	asked  string // the address that was opened last
	slept  []time.Duration
	person func() *browser
}

func (f *field) program(file string) *program {
	p := &program{f: f, person: f.signedIn}
	p.Client = &latchkey.Client{
		Issuer: f.config.Issuer, ClientID: "notes", Scope: "email", DeviceName: "laptop", File: file,
		Open: func(address string) error {
			p.opened++
			p.asked = address
			go func() {
				if r, err := http.Get(p.person().follows(address)); err == nil {
					_ = r.Body.Close()
				}
			}()
			return nil
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			p.slept = append(p.slept, d)
			return nil
		},
	}
	return p
}

// call calls the API, and returns what it answers to.
func (p *program) call(path string) (device string, err error) {
	r, err := http.NewRequestWithContext(p.f.t.Context(), http.MethodPost, p.f.api.URL+path+"?x=1", strings.NewReader("body"))
	if err != nil {
		return "", err
	}
	answer, err := p.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	var hello struct{ Device_id, Sent string }
	if err == nil {
		err = json.Unmarshal(text, &hello)
	}
	if err != nil || answer.StatusCode != http.StatusOK || hello.Sent != "body" {
		return "", errors.Join(err, errors.New(answer.Status+string(text)))
	}
	return hello.Device_id, nil
}

// works calls the API, which must answer, and returns how often the token endpoint was asked for that.
func (p *program) works(path string) (device string, asked int) {
	p.f.t.Helper()
	before := p.f.network.requests()
	device, err := p.call(path)
	if err != nil {
		p.f.t.Fatalf("%s: %v", path, err)
	}
	return device, p.f.network.requests() - before
}

// stored is what the file holds.
func (p *program) stored(name string) string {
	p.f.t.Helper()
	text, err := os.ReadFile(p.File)
	if err != nil {
		p.f.t.Fatal(err)
	}
	value, _ := reply{body: string(text)}.json(p.f.t)[name].(string)
	return value
}

// The reference client in Go, as /docs shows it, against the server and a network that loses things.
func TestTheReferenceClientInGoStaysSignedIn(t *testing.T) {
	f := newField(t, client.Registration{RedirectURIs: []string{"http://127.0.0.1/callback"}})
	file := filepath.Join(t.TempDir(), "notes.json")
	p := f.program(file)
	out := (*latchkey.SignedOut)(nil)
	if _, err := p.call("/hello"); !errors.As(err, &out) || out.Reason != "" {
		t.Errorf("before the sign-in: %v", err)
	}
	if err := p.SignIn(t.Context(), latchkey.Proof{}); err != nil {
		t.Fatal(err)
	}
	device, asked := p.works("/hello")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || asked != 0 {
		t.Errorf("%v %v, %d refreshes", info, err, asked)
	}
	if asked, err := url.Parse(p.asked); err != nil || len(asked.Query().Get("dpop_jkt")) != 43 {
		t.Errorf("the request does not name the key: %s", p.asked)
	}
	p.isNotSharedWithOthers()
	stale := file + ".new" // of a process that died while it wrote
	if err := os.WriteFile(stale, []byte(`{"refresh":"old"}`), 0o600); err != nil {
		t.Fatal(err)
	}

	// Eight requests of two processes find the token expired at the same moment: one of them refreshes.
	f.expire(p.stored("access"), 8)
	programs, before := []*program{p, f.program(file)}, f.rotations()
	together(8, func(i int) {
		if got, err := programs[i%2].call("/hello"); err != nil || got != device {
			t.Errorf("%s %v", got, err)
		}
	})
	if got := f.rotations() - before; got != 1 {
		t.Errorf("%d refreshes", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || !slices.Equal(left, []string{file, file + ".lock"}) {
		t.Errorf("after a refresh there are %v (%v)", left, err)
	}

	// The answer is lost: the same token again.
	f.expire(p.stored("access"), 1)
	f.network.will("lost")
	if got, asked := p.works("/hello"); got != device || asked != 2 || len(p.slept) != 1 || p.slept[0] < time.Second/2 || p.slept[0] > 3*time.Second/2 {
		t.Errorf("a lost answer: %s, asked %d times, waited %v", got, asked, p.slept)
	}

	// A tunnel signs no one out.
	f.expire(p.stored("access"), 1)
	f.network.will("cut", "cut", "cut", "cut", "cut", "cut", "cut", "cut", "cut")
	later := (*latchkey.Later)(nil)
	if _, err := p.call("/hello"); !errors.As(err, &later) || later.After < time.Second || p.stored("refresh") == "" {
		t.Errorf("in a tunnel: %v", err)
	}
	f.network.will("busy", "lost", "limited")
	f.expire(p.stored("access"), 1)
	p.slept = nil
	if got, _ := p.works("/hello"); got != device || len(p.slept) != 3 || p.slept[0] < 7*time.Second || p.slept[0] > 8*time.Second || p.slept[2] < 7*time.Second {
		t.Errorf("a server that is busy: %s, waited %v", got, p.slept)
	}

	// The random part beside Retry-After grows, or programs that come back together would come together again and again.
	f.network.will("busy", "busy", "busy", "busy", "busy", "busy", "busy", "busy")
	f.expire(p.stored("access"), 1)
	p.slept, p.Patience = nil, time.Hour
	if got, _ := p.works("/hello"); got != device || len(p.slept) != 8 || slices.Max(p.slept[4:]) < 8*time.Second || slices.Min(p.slept) < 7*time.Second {
		t.Errorf("a server that stays busy: %s, waited %v", got, p.slept)
	}
	p.Patience = 0

	// A refresh is due, and the token is good still: without a network the call does not wait.
	edit(t, file, "refresh_at", time.Now().Add(-time.Minute))
	f.network.will("cut")
	p.slept = nil
	if got, asked := p.works("/hello"); got != device || asked != 1 || len(p.slept) != 0 {
		t.Errorf("%s, asked %d times, waited %v", got, asked, p.slept)
	}
	if _, asked := p.works("/hello"); asked != 1 {
		t.Errorf("a refresh that is due: asked %d times", asked)
	}

	// A sensitive call, some minutes later, and after a restart.
	f.ahead.Add(int64(6 * time.Minute))
	p = f.program(file)
	p.person = f.signedInAsEve
	if _, err := p.call("/transfer"); !errors.Is(err, latchkey.ErrOtherAccount) || f.apps() != 1 {
		t.Errorf("another person confirms: %v, %d apps", err, f.apps())
	}
	p.person = f.signedIn
	p.opened = 0
	confirmed, _ := p.works("/transfer")
	if again, asked := p.works("/transfer"); again != confirmed || asked != 0 || p.opened != 1 || confirmed == device || f.apps() != 1 {
		t.Errorf("a sensitive call: asked %d times, %d apps", p.opened, f.apps())
	}

	// Another process signs out while the person confirms: the program is signed in once they have.
	f.ahead.Add(int64(6 * time.Minute))
	other := f.program(file)
	p.person = func() *browser {
		if err := other.SignOut(f.t.Context()); err != nil {
			f.t.Errorf("another process: %v", err)
		}
		return f.signedIn()
	}
	confirmed, _ = p.works("/transfer")
	p.person = f.signedIn
	if got, asked := other.works("/transfer"); got != confirmed || asked != 0 || f.apps() != 1 {
		t.Errorf("after a sign-out in another process: %s, %d apps", got, f.apps())
	}

	// The person signs the device out, and signs in again.
	if r := f.signedIn().post("/devices/"+confirmed+"/revoke", url.Values{}); f.apps() != 0 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	f.expire(p.stored("access"), 1)
	if _, err := p.call("/hello"); !errors.As(err, &out) || out.Reason != "revoked" || p.stored("refresh")+p.stored("key") != "" {
		t.Errorf("signed out elsewhere: %v", err)
	}
	if err := p.SignIn(t.Context(), latchkey.Proof{}); err != nil {
		t.Fatal(err)
	}
	p.works("/hello")
	if err := p.SignOut(t.Context()); err != nil || f.apps() != 0 || p.stored("access")+p.stored("refresh")+p.stored("key") != "" {
		t.Errorf("%v, %d apps", err, f.apps())
	}
	if _, err := p.call("/hello"); !errors.As(err, &out) {
		t.Errorf("after the sign-out: %v", err)
	}
}

// isNotSharedWithOthers checks that another client and another server get nothing from the file, and take nothing away.
func (p *program) isNotSharedWithOthers() {
	p.f.t.Helper()
	client, server := p.f.program(p.File), p.f.program(p.File)
	client.ClientID = "other"
	server.Issuer += "/other"
	before, refresh := p.f.network.requests(), p.stored("refresh")
	for _, other := range []*program{client, server} {
		out := (*latchkey.SignedOut)(nil)
		if _, err := other.call("/hello"); !errors.As(err, &out) {
			p.f.t.Errorf("%s at %s uses the tokens: %v", other.ClientID, other.Issuer, err)
		}
		if err := other.SignOut(p.f.t.Context()); err != nil || p.stored("refresh") != refresh || p.f.network.requests() != before {
			p.f.t.Fatalf("%s at %s signs out: %v", other.ClientID, other.Issuer, err)
		}
	}
}

// answering answers all requests with a text, and requests to one host with a redirect.
type answering struct{ text, moved string }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.text)), Request: r}
	if r.URL.Host == a.moved {
		answer.StatusCode, answer.Body = http.StatusTemporaryRedirect, http.NoBody
		answer.Header.Set("Location", "https://evil.example"+r.URL.Path)
	}
	return answer, nil
}

// The client takes TLS for the signature of the ID token, so it refuses servers without.
func TestTheReferenceClientInGoWantsTLS(t *testing.T) {
	for issuer, good := range map[string]bool{
		"https://id.example": true, "http://127.0.0.1:8080": true, "http://127.1.2.3": true, "http://[::1]:8080": true, "http://localhost:8080": true,
		"http://id.example": false, "http://127.0.0.1.example": false, "http://localhost.example": false, "http://[::2]": false, "ftp://localhost": false, "//id.example": false,
	} {
		for _, of := range []string{"issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint"} {
			answer := map[string]string{"issuer": "https://id.example"}
			for _, name := range []string{"authorization_endpoint", "token_endpoint", "revocation_endpoint"} {
				answer[name] = "https://id.example/" + name
			}
			answer[of] = issuer
			text, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			opened := errors.New("opened")
			c := &latchkey.Client{
				Issuer: answer["issuer"], ClientID: "notes", File: filepath.Join(t.TempDir(), "notes.json"),
				HTTP: &http.Client{Transport: answering{text: string(text)}}, Open: func(string) error { return opened },
			}
			if err := c.SignIn(t.Context(), latchkey.Proof{}); err == nil || errors.Is(err, opened) != good || strings.HasSuffix(err.Error(), "is not https") == good {
				t.Errorf("%s %s: %v", of, issuer, err)
			}
		}
	}
}

// A redirect would take tokens elsewhere. The program's own HTTP client changes nothing about that.
func TestTheReferenceClientInGoFollowsNoRedirect(t *testing.T) {
	c := &latchkey.Client{Issuer: "https://id.example", ClientID: "notes", File: filepath.Join(t.TempDir(), "notes.json")}
	c.HTTP = &http.Client{Transport: answering{
		moved: "id.example",
		text:  `{"issuer":"https://id.example","authorization_endpoint":"https://a.example","token_endpoint":"https://a.example","revocation_endpoint":"https://a.example"}`,
	}}
	c.Open = func(string) error { return errors.New("it has followed") }
	if err := c.SignIn(t.Context(), latchkey.Proof{}); err == nil || !strings.Contains(err.Error(), "no metadata of https://id.example (307)") {
		t.Error(err)
	}
}

// watched tells when it is waited for.
type watched struct {
	context.Context
	waits func()
}

func (w watched) Done() <-chan struct{} {
	w.waits()
	return w.Context.Done()
}

// A cleaner deletes the lock while one process holds it and another waits; a third one takes the new one.
func TestTheReferenceClientInGoLocksTheFileThatIsThere(t *testing.T) {
	c := &latchkey.Client{Issuer: "https://id.example", ClientID: "notes", File: filepath.Join(t.TempDir(), "notes.json")}
	lock := c.File + ".lock"
	hold := func() *os.File {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_RDWR, 0o600)
		if err == nil {
			err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := hold()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waits := 0
	err := c.SignOut(watched{ctx, func() {
		if waits++; waits > 1 {
			cancel()
			return
		}
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
		third := hold()
		t.Cleanup(func() { _ = third.Close() })
		_ = first.Close()
	}})
	if !errors.Is(err, context.Canceled) || waits != 2 {
		t.Errorf("it did not wait for the third: %v after %d waits", err, waits)
	}
}

// documented is how /docs says that a program uses the client.
func documented(ctx context.Context, folder string, request *http.Request) (*http.Response, error) {
	client := &latchkey.Client{
		Issuer: "{issuer}", ClientID: "notes", Scope: "email", DeviceName: "Ada's laptop",
		File: filepath.Join(folder, "sign-in.json"),
		Open: func(url string) error { // on macOS with open
			return exec.Command("xdg-open", url).Start()
		},
	}
	answer, err := client.Do(request)
	if out := (*latchkey.SignedOut)(nil); errors.As(err, &out) {
		if err = client.SignIn(ctx, latchkey.Proof{}); err == nil {
			answer, err = client.Do(request)
		}
	}
	return answer, err
}

func TestTheDocumentedProgramCompilesAsItStands(t *testing.T) {
	source, err := os.ReadFile("reference_go_test.go")
	if err != nil || !strings.Contains(string(source), "{\n\t"+strings.ReplaceAll(views.DocsGo, "\n", "\n\t")+"\n\treturn answer, err\n") {
		t.Errorf("/docs shows other code than this file has (%v)", err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := documented(t.Context(), t.TempDir(), request); err == nil || !strings.Contains(err.Error(), "{issuer} is not https") {
		t.Errorf("without a server: %v", err)
	}
}

// edit changes one member of a JSON file.
func edit(t *testing.T, file, name string, value any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	members := reply{body: string(text)}.json(t)
	members[name] = value
	if text, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *field) signedInAsEve() *browser {
	f.t.Helper()
	b := f.browser()
	b.expect(b.post("/login", url.Values{"email": {eveEmail}, "password": {evePassword}}), http.StatusSeeOther, "/devices")
	return b
}
