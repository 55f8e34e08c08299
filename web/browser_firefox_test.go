package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// firefoxDriver speaks WebDriver BiDi (https://w3c.github.io/webdriver-bidi/) with a Firefox of its own.
type firefoxDriver struct {
	t     *testing.T
	conn  *websocket.Conn
	page  string // the browsing context
	mu    sync.Mutex
	last  int
	wait  map[int]chan bidiAnswer
	noted []string
	base  string
}

type bidiAnswer struct {
	ID     int             `json:"id"`
	Type   string          `json:"type"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
	Text   string          `json:"message"`
	Method string          `json:"method"`
	Params struct {
		Level   string `json:"level"`
		Text    string `json:"text"`
		Request struct {
			URL string `json:"url"`
		} `json:"request"`
	} `json:"params"`
}

// firefoxSettings keep the browser from calling home, and its pages free of its own offers.
const firefoxSettings = `user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("signon.rememberSignons", false);
user_pref("toolkit.telemetry.server", "");
`

func startFirefox(t *testing.T, base string) engine {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), findBrowser(t, "firefox-esr", "firefox"), "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
	said, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Process.Kill(); _ = program.Wait() })
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); ok {
				address <- url
			}
		}
	}()
	d := &firefoxDriver{t: t, base: base, wait: map[int]chan bidiAnswer{}}
	ctx, cancel := context.WithTimeout(t.Context(), stepTime)
	defer cancel()
	select {
	case url := <-address:
		if d.conn, _, err = websocket.Dial(ctx, url+"/session", nil); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("Firefox did not start")
	}
	d.conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = d.conn.CloseNow() })
	go d.listen(t.Context())
	d.call("session.new", `{"capabilities":{"alwaysMatch":{"acceptInsecureCerts":true}}}`, nil)
	d.call("session.subscribe", `{"events":["log.entryAdded","network.beforeRequestSent","browsingContext.userPromptOpened"]}`, nil)
	var tree struct {
		Contexts []struct {
			Context string `json:"context"`
		} `json:"contexts"`
	}
	d.call("browsingContext.getTree", `{}`, &tree)
	d.page = tree.Contexts[0].Context
	d.call("script.addPreloadScript", fmt.Sprintf(`{"functionDeclaration":%q}`, `() => `+violations), nil)
	return d
}

func (d *firefoxDriver) listen(ctx context.Context) {
	for {
		_, data, err := d.conn.Read(ctx)
		if err != nil {
			return
		}
		var a bidiAnswer
		if json.Unmarshal(data, &a) != nil {
			continue
		}
		d.mu.Lock()
		switch {
		case a.Type != "event":
			if c := d.wait[a.ID]; c != nil {
				c <- a
			}
			delete(d.wait, a.ID)
		case a.Method == "network.beforeRequestSent":
			if url := a.Params.Request.URL; !strings.HasPrefix(url, d.base+"/") && !strings.HasPrefix(url, "data:") {
				d.noted = append(d.noted, "request to another host: "+url)
			}
		default:
			d.noted = append(d.noted, a.Method+" "+a.Params.Level+" "+a.Params.Text)
		}
		d.mu.Unlock()
	}
}

// try sends a command and waits for its result.
func (d *firefoxDriver) try(method, params string, into any) error {
	ctx, cancel := context.WithTimeout(d.t.Context(), stepTime)
	defer cancel()
	c := make(chan bidiAnswer, 1)
	d.mu.Lock()
	d.last++
	id := d.last
	d.wait[id] = c
	d.mu.Unlock()
	if err := d.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"id":%d,"method":%q,"params":%s}`, id, method, params)); err != nil {
		return err
	}
	select {
	case a := <-c:
		if a.Error != "" {
			return fmt.Errorf("%s: %s: %s", method, a.Error, a.Text)
		}
		if into != nil {
			return json.Unmarshal(a.Result, into)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: no answer", method)
	}
}

func (d *firefoxDriver) call(method, params string, into any) {
	d.t.Helper()
	if err := d.try(method, params, into); err != nil {
		d.t.Fatal(err)
	}
}

func (d *firefoxDriver) resize(width, height int) {
	d.t.Helper()
	d.call("browsingContext.setViewport", fmt.Sprintf(`{"context":%q,"viewport":{"width":%d,"height":%d}}`, d.page, width, height), nil)
}

func (d *firefoxDriver) open(url string) {
	d.t.Helper()
	d.call("browsingContext.navigate", fmt.Sprintf(`{"context":%q,"url":%q,"wait":"complete"}`, d.page, url), nil)
}

func (d *firefoxDriver) evaluate(expression string) (string, error) {
	var got struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		Exception struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	source, err := json.Marshal("String(" + expression + ")")
	if err != nil {
		return "", err
	}
	err = d.try("script.evaluate", fmt.Sprintf(`{"expression":%s,"target":{"context":%q},"awaitPromise":true}`, source, d.page), &got)
	if err == nil && got.Type == "exception" {
		err = fmt.Errorf("%s: %s", expression, got.Exception.Text)
	}
	return got.Result.Value, err
}

func (d *firefoxDriver) click(selector string) {
	d.t.Helper()
	var x, y int
	at, err := d.evaluate(middleOf(selector))
	if err == nil {
		_, err = fmt.Sscan(at, &x, &y)
	}
	if err != nil {
		d.t.Fatalf("click %s: %v", selector, err)
	}
	d.call("input.performActions", fmt.Sprintf(`{"context":%q,"actions":[{"type":"pointer","id":"mouse","actions":[
		{"type":"pointerMove","x":%d,"y":%d},{"type":"pointerDown","button":0},{"type":"pointerUp","button":0}]}]}`, d.page, x, y), nil)
}

func (d *firefoxDriver) keys(text string) {
	d.t.Helper()
	var keys []string
	for _, r := range text {
		if r == '\n' {
			r = '\uE007' // Enter (WebDriver §17.4.2)
		}
		keys = append(keys, fmt.Sprintf(`{"type":"keyDown","value":%q},{"type":"keyUp","value":%q}`, string(r), string(r)))
	}
	d.call("input.performActions", fmt.Sprintf(`{"context":%q,"actions":[{"type":"key","id":"keys","actions":[%s]}]}`, d.page, strings.Join(keys, ",")), nil)
}

func (d *firefoxDriver) faults() []string {
	time.Sleep(100 * time.Millisecond) // what the last page says may still be under way
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.noted
}
