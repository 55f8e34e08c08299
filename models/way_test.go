package models_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// way is a proxy in front of a database that a test can inspect and close, as poolers, proxies and failovers do.
type way struct {
	url      string
	listener net.Listener
	dials    atomic.Int64
	pooler   atomic.Bool // it names another process than the server's, as poolers do
	muted    atomic.Int64
}

// mute keeps connections from passing anything on that are open now, and leaves them open.
func (w *way) mute() { w.muted.Store(w.dials.Load()) }

// quiet copies until the n-th connection is muted, and then reads on.
func (w *way) quiet(n int64, to io.Writer, from io.Reader) {
	_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
		if n <= w.muted.Load() {
			return len(b), nil
		}
		return to.Write(b)
	}), from)
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// lay starts a proxy in front of the database of url. admit, unless nil, gets the first packet of a connection and may return a
// message that refuses the connection.
func lay(t *testing.T, database string, admit func(startup []byte) string) *way {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	target := u.Host
	w := &way{}
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = w.listener.Addr().String()
	w.url = u.String()
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			n := w.dials.Add(1)
			open.Go(func() { w.carry(n, client, target, admit) })
		}
	})
	t.Cleanup(func() {
		_ = w.listener.Close()
		open.Wait()
	})
	return w
}

func (w *way) carry(n int64, client net.Conn, target string, admit func([]byte) string) {
	defer client.Close()
	startup, err := startupPacket(client)
	if err != nil {
		return
	}
	if admit != nil {
		if refusal := admit(startup); refusal != "" {
			_, _ = client.Write(pgRefusal("08P01", refusal))
			return
		}
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		if w.pooler.Load() {
			disguise(client, server)
		}
		w.quiet(n, client, server)
		_ = client.Close()
	}()
	_, _ = server.Write(startup)
	w.quiet(n, server, client)
}

// disguise passes messages on until BackendKeyData, in which it changes the number of the process.
func disguise(client io.Writer, server io.Reader) {
	for kind := byte(0); kind != 'K'; {
		head := make([]byte, 5)
		if _, err := io.ReadFull(server, head[:1]); err != nil {
			return
		}
		if head[0] == 'N' { // no TLS: the answer to who asked only for that
			_, _ = client.Write(head[:1])
			return
		}
		if _, err := io.ReadFull(server, head[1:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if kind = head[0]; kind == 'K' {
			body[0] ^= 0x40
		}
		_, _ = client.Write(append(head, body...))
	}
}

// layPooler starts a proxy that refuses parameters as PgBouncer does, and counts that.
func layPooler(t *testing.T, database string) (w *way, refused *atomic.Int64) {
	t.Helper()
	refused = &atomic.Int64{}
	w = lay(t, database, func(startup []byte) string {
		refusal := refuseParameters(startup)
		if refusal != "" {
			refused.Add(1)
		}
		return refusal
	})
	w.pooler.Store(true)
	return w, refused
}

// startupPacket reads the first message of a client. It starts with its length in four bytes, which the length includes.
func startupPacket(client net.Conn) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(client, head); err != nil {
		return nil, err
	}
	rest := make([]byte, binary.BigEndian.Uint32(head)-4)
	_, err := io.ReadFull(client, rest)
	return append(head, rest...), err
}

// pgRefusal is an ErrorResponse as PgBouncer sends one.
func pgRefusal(code, message string) []byte {
	body := "SFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
	return append(append([]byte{'E'}, binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))...), body...)
}
