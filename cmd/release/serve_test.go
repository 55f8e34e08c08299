package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	person   = "ada@example.com"
	password = "kvassen-Lighthouse-42"
)

// installed is an unpacked package or image.
type installed struct {
	root    string              // its top folder
	program string              // in it
	serve   []string            // arguments of the server
	chroot  bool                // run inside of it, which needs root
	user    *syscall.Credential // nil: the one who runs the test
	folder  string              // where it runs, as the program sees it
	env     []string
}

func (i installed) command(args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(i.root, i.program), args...)
	command.Env, command.Dir = i.env, i.folder
	command.SysProcAttr = &syscall.SysProcAttr{Credential: i.user}
	if i.chroot {
		command.SysProcAttr.Chroot, command.Path = i.root, i.program
	}
	return command
}

// servesAndSignsIn starts the server as systemd or a container engine would, with its socket for notifications, and signs in.
func (i installed) servesAndSignsIn(t *testing.T, socket, socketInside string) {
	t.Helper()
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	server := i.command(i.serve...)
	server.Env = append(server.Env, "NOTIFY_SOCKET="+socketInside)
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- server.Wait()
		_ = listener.SetReadDeadline(time.Now()) // nothing more comes
	}()
	defer func() {
		if t.Failed() {
			_ = server.Process.Kill()
			t.Logf("%v: %s", <-ended, log.String())
		}
	}()
	_ = listener.SetReadDeadline(time.Now().Add(time.Minute))
	message := make([]byte, 1000)
	n, err := listener.Read(message)
	base, ready := strings.CutPrefix(string(message[:n]), "READY=1\nSTATUS=Serving ")
	if err != nil || !ready {
		t.Fatalf("told %q, %v", message[:n], err)
	}
	t.Logf("%s %s: %q", i.program, strings.Join(i.serve, " "), message[:n])
	add := i.command("user", "add", person, "--password-stdin")
	add.Stdin = strings.NewReader(password)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("user add: %v: %s", err, out)
	}
	answer, err := http.Post(base+"/api/login", "application/json", strings.NewReader(fmt.Sprintf(`{"email":%q,"password":%q,"device_name":"phone"}`, person, password)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var device struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&device); err != nil || answer.StatusCode != 200 || device.RefreshToken == "" {
		t.Errorf("the sign-in: %s, %v", answer.Status, err)
	}
	t.Logf("POST %s/api/login: %s", base, answer.Status)
	if out, err := i.command("healthcheck").CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v: %s", err, out)
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		ended <- err
		t.Errorf("the end: %v", err)
	}
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tool finds a program that a test needs. Without it the test is skipped, and fails in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
	return path
}
