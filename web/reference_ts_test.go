package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/views"
	"latchkey/views/reference"
)

// compiled is the reference client in TypeScript as JavaScript, which the strict compiler has made, together with the example on /docs.
var compiled = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "latchkey-reference")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	clients, err := filepath.Abs(npmClients)
	if err != nil {
		return "", err
	}
	text, _ := reference.File("latchkey.ts")
	config := fmt.Sprintf(`{"extends": %q, "compilerOptions": {"rootDir": ".", "outDir": "out"}, "files": ["latchkey.ts", "app.ts"]}`, filepath.Join(clients, "tsconfig.json"))
	for name, content := range map[string]string{"latchkey.ts": string(text), "app.ts": views.DocsTypeScript, "tsconfig.json": config} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	compile := exec.Command("node", filepath.Join(clients, "node_modules", "typescript", "bin", "tsc"), "--project", folder)
	if output, err := compile.CombinedOutput(); err != nil {
		return "", errorWith{err, string(output)}
	}
	text, err = os.ReadFile(filepath.Join(folder, "out", "latchkey.js"))
	return string(text), err
})

type errorWith struct {
	error
	output string
}

func (e errorWith) Error() string { return e.error.Error() + "\n" + e.output }

// compiledTo writes the compiled client to a file.
func compiledTo(t *testing.T) (file string) {
	t.Helper()
	text, err := compiled()
	file = filepath.Join(t.TempDir(), "latchkey.mjs")
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// control does what a script asks for, and tells how things stand.
func (f *field) control() string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		q := r.URL.Query()
		var answer any
		switch {
		case q.Get("as") == "eve":
			answer = f.signedInAsEve().follows(q.Get("to"))
		case q.Has("to"):
			answer = f.signedIn().follows(q.Get("to"))
		case q.Has("will"):
			f.network.will(strings.Split(q.Get("will"), ",")...)
		case q.Has("expire"):
			n, _ := strconv.Atoi(q.Get("n"))
			f.expire(q.Get("expire"), n)
		case q.Has("ahead"):
			seconds, _ := strconv.Atoi(q.Get("ahead"))
			f.ahead.Add(int64(time.Duration(seconds) * time.Second))
		case q.Has("revoke"):
			f.signedIn().post("/devices/"+q.Get("revoke")+"/revoke", url.Values{})
		default:
			state := map[string]int64{"requests": int64(f.network.requests()), "apps": f.apps()}
			if state["apps"] > 0 {
				state["rotations"] = f.rotations()
			}
			answer = state
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	f.t.Cleanup(server.Close)
	return server.URL
}

// The reference client in TypeScript, as /docs shows it, compiles strictly and stays signed in.
func TestTheReferenceClientInTypeScriptStaysSignedIn(t *testing.T) {
	node := needNode(t)
	f := newField(t, client.Registration{RedirectURIs: []string{notesURI}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, node, "reference.mjs", compiledTo(t), f.config.Issuer, f.api.URL, f.control())
	run.Dir = npmClients
	if output, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
