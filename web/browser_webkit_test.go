package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// webkitDriver speaks WebDriver (https://www.w3.org/TR/webdriver2/) with WebKitGTK's MiniBrowser on a screen of its own.
type webkitDriver struct {
	t       *testing.T
	session string // its address
	mu      sync.Mutex
}

func startWebKit(t *testing.T, _ string) engine {
	t.Helper()
	screen := startScreen(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	d, said := &webkitDriver{t: t}, &logBuffer{}
	program := exec.CommandContext(t.Context(), findBrowser(t, "WebKitWebDriver"), "--port="+port)
	home := t.TempDir()
	program.Env = append(os.Environ(), "DISPLAY="+screen, "HOME="+home, "XDG_RUNTIME_DIR="+home, "LANG=C.UTF-8")
	program.Stdout, program.Stderr = said, said
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Process.Kill(); _ = program.Wait() })
	began := time.Now()
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Since(began) > stepTime {
			t.Fatal("WebKitWebDriver did not start: ", said.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
	var got struct {
		SessionID string `json:"sessionId"`
	}
	d.session = "http://" + address + "/session"
	err = d.try(http.MethodPost, "", `{"capabilities":{"alwaysMatch":{"acceptInsecureCerts":true,"webkitgtk:browserOptions":{"args":["--automation"]}}}}`, &got)
	if err != nil {
		t.Fatal(err, said.String())
	}
	d.session += "/" + got.SessionID
	t.Cleanup(func() { _ = d.try(http.MethodDelete, "", "", nil) })
	return d
}

// startScreen starts an X server without a screen and returns its name.
func startScreen(t *testing.T) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), findBrowser(t, "Xvfb"), "-displayfd", "3", "-screen", "0", "1400x1000x24", "-nolisten", "tcp")
	program.ExtraFiles = []*os.File{write}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Process.Kill(); _ = program.Wait() })
	_ = write.Close()
	number := make([]byte, 16)
	n, err := read.Read(number)
	if err != nil {
		t.Fatal("Xvfb did not start: ", err)
	}
	return ":" + strings.TrimSpace(string(number[:n]))
}

func (d *webkitDriver) try(method, path, body string, into any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	request, err := http.NewRequest(method, d.session+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: stepTime}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, bytes.TrimSpace(data))
	}
	var value struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &value); err != nil || into == nil {
		return err
	}
	return json.Unmarshal(value.Value, into)
}

func (d *webkitDriver) call(path, body string) {
	d.t.Helper()
	if err := d.try(http.MethodPost, path, body, nil); err != nil {
		d.t.Fatal(err)
	}
}

func (d *webkitDriver) resize(width, height int) {
	d.t.Helper()
	d.call("/window/rect", fmt.Sprintf(`{"width":%d,"height":%d}`, width, height))
}

func (d *webkitDriver) open(url string) {
	d.t.Helper()
	d.call("/url", fmt.Sprintf(`{"url":%q}`, url))
}

func (d *webkitDriver) evaluate(expression string) (string, error) {
	source, err := json.Marshal("const done = arguments[0]; Promise.resolve(" + expression + ").then(x => done(String(x)), e => done('exception: ' + e))")
	if err != nil {
		return "", err
	}
	var got string
	err = d.try(http.MethodPost, "/execute/async", fmt.Sprintf(`{"script":%s,"args":[]}`, source), &got)
	if err == nil && strings.HasPrefix(got, "exception: ") {
		err = fmt.Errorf("%s: %s", expression, got)
	}
	return got, err
}

// element asks for an element: its reference in paths.
func (d *webkitDriver) element(method, path, body string) string {
	d.t.Helper()
	var got map[string]string
	if err := d.try(method, path, body, &got); err != nil {
		d.t.Fatal(err)
	}
	for _, reference := range got { // the only member (WebDriver §11)
		return "/element/" + reference
	}
	d.t.Fatalf("%s %s: no element", path, body)
	return ""
}

func (d *webkitDriver) click(selector string) {
	d.t.Helper()
	d.call(d.element(http.MethodPost, "/element", fmt.Sprintf(`{"using":"css selector","value":%q}`, selector))+"/click", `{}`)
}

func (d *webkitDriver) keys(text string) {
	d.t.Helper()
	source, err := json.Marshal(strings.ReplaceAll(text, "\n", "\uE007")) // Enter (WebDriver §17.4.2)
	if err != nil {
		d.t.Fatal(err)
	}
	d.call(d.element(http.MethodGet, "/element/active", "")+"/value", `{"text":`+string(source)+`}`)
}

// faults is empty: WebKitGTK's driver hands on nothing of the console.
func (d *webkitDriver) faults() []string { return nil }
