package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// dial opens a connection to a server, and closes it after the test.
func dial(t *testing.T, base string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// rawRefresh is a whole request as it goes over the wire.
func rawRefresh(token string) string {
	form := refreshForm(token)
	return fmt.Sprintf("POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", formType, len(form), form)
}

func TestATerminatedServerFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	modelstest.EachURL(t, func(t *testing.T, database string) {
		c := launch(t, on(database), "serve")
		base := c.url(t)
		launchWithInput(t, on(database), password, "user", "add", ada, "--password-stdin")
		device := login(t, base, ada, password, "phone").want(t, 200)

		slow := dial(t, base)
		whole := rawRefresh(device.field("refresh_token"))
		_, _ = io.WriteString(slow, whole[:len(whole)-20])
		time.Sleep(100 * time.Millisecond) // the server reads the first part, and waits for the rest
		c.stop(t)
		eventually(t, time.Minute, "new connections are refused", func() bool {
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
		select {
		case <-c.ended:
			t.Fatal("ended with a request under way")
		default:
		}
		_, _ = io.WriteString(slow, whole[len(whole)-20:])
		answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
		if err != nil {
			t.Fatalf("the request under way got no answer: %v", err)
		}
		body, _ := io.ReadAll(answer.Body)
		got := reply{answer.StatusCode, answer.Header, string(body)}.want(t, 200, "device_name", "phone")
		o := c.end(t, time.Minute)
		if o.code != 0 || strings.Contains(o.stderr, "cut off") { // after drainTime
			t.Errorf("exit %d: %s", o.code, o.stderr)
		}
		o.isNoCrash(t)

		next := launch(t, on(database), "serve")
		refresh(t, next.url(t), got.field("refresh_token")).want(t, 200)
	})
}

func TestAnIdleConnectionDoesNotKeepATerminatedServer(t *testing.T) {
	t.Parallel()
	c := launch(t, on(modelstest.SQLite(t)), "serve")
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	send(t, client, http.MethodGet, c.url(t)+"/healthz", "").want(t, 200)
	c.stop(t)
	if o := c.end(t, time.Minute); o.code != 0 || strings.Contains(o.stderr, "cut off") { // as after drainTime
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}
