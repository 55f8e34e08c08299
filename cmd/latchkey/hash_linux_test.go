package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// hashers are the processes that a server has started.
func hashers(t *testing.T, server int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", server))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestPasswordsAreHashedByProcessesThatKnowNothing(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		settings := on(database, "LATCHKEY_SMTP_URL=smtp://user:hush@127.0.0.1:1", "LATCHKEY_MAIL_FROM=a@example.com")
		launchWithInput(t, settings, "a good long password\n", "user", "add", "ada@example.com", "--password-stdin")
		server := launch(t, settings, "serve")
		url := server.url(t)
		signIn := func(n int) {
			t.Helper()
			body := fmt.Sprintf(`{"email":"ada@example.com","password":"a good long password","device_name":"phone %d"}`, n)
			response, err := http.Post(url+"/api/login", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != 200 {
				t.Fatalf("sign-in %d: status %d", n, response.StatusCode)
			}
		}
		if pids := hashers(t, server.cmd.Process.Pid); len(pids) != 0 {
			t.Errorf("processes %v before anybody signs in", pids)
		}
		signIn(0)
		pids := hashers(t, server.cmd.Process.Pid)
		if len(pids) != 1 {
			t.Fatalf("processes %v after one sign-in, want one", pids)
		}
		environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pids[0]))
		if err != nil || bytes.Contains(environment, []byte("LATCHKEY")) || bytes.Contains(environment, []byte("hush")) {
			t.Errorf("its environment: %q, %v", environment, err)
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pids[0]))
		if err != nil || string(line) != "latchkey\x00hash-passwords\x00" {
			t.Errorf("its command line: %q, %v", line, err)
		}
		// Neither the end of a terminal's session nor the machine's going down keeps sign-ins under way from their answers.
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
			_ = syscall.Kill(pids[0], signal)
		}
		signIn(1)
		if now := hashers(t, server.cmd.Process.Pid); len(now) != 1 || now[0] != pids[0] {
			t.Errorf("after signals: %v, want %v", now, pids)
		}
		_ = syscall.Kill(pids[0], syscall.SIGKILL)
		signIn(2)
		again := hashers(t, server.cmd.Process.Pid)
		if len(again) != 1 || again[0] == pids[0] {
			t.Fatalf("after a kill: %v, before %v", again, pids)
		}
		_ = syscall.Kill(server.cmd.Process.Pid, syscall.SIGKILL)
		eventually(t, 20*time.Second, "the process ends with its server", func() bool { return !alive(again[0]) })
	})
}

func TestAServerThatStopsTakesItsHashersAlong(t *testing.T) {
	settings := on(modelstest.SQLite(t))
	launchWithInput(t, settings, "a good long password\n", "user", "add", "ada@example.com", "--password-stdin")
	server := launch(t, settings, "serve")
	response, err := http.Post(server.url(t)+"/api/login", "application/json",
		strings.NewReader(`{"email":"ada@example.com","password":"a good long password","device_name":"phone"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	pids := hashers(t, server.cmd.Process.Pid)
	server.stop(t)
	o := server.end(t, 20*time.Second)
	if o.code != 0 || len(pids) != 1 || alive(pids[0]) || strings.Contains(o.stderr, "WARN") {
		t.Errorf("exit %d, processes %v, stderr:\n%s", o.code, pids, o.stderr)
	}
}

// People see no command that is of no use to them.
func TestTheHashersCommandIsHidden(t *testing.T) {
	o := command(t, modelstest.SQLite(t), "", "--help")
	if o.code != 0 || strings.Contains(o.stdout, "hash") {
		t.Errorf("exit %d:\n%s", o.code, o.stdout)
	}
}
