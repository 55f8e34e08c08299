package main

import (
	"bytes"
	bits "encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// crashCut is what becomes of a statement on its way to PostgreSQL.
type crashCut int

const (
	crashPass   crashCut = iota
	crashBefore          // it never arrives, and the connection ends
	crashAfter           // it is done, and the connection ends instead of an answer
	crashHalf            // its rows arrive, word of its end does not: no one can know whether it was committed
	crashStall           // it is done, and nothing comes back, not even the end of the connection
)

// crashWire stands between the program and PostgreSQL. It reads just enough of the protocol (PostgreSQL 15,
// chapter 55.7) to know which statement is under way and when it is done: at ReadyForQuery.
type crashWire struct {
	listener net.Listener
	target   string
	cuts     [crashStall + 1]atomic.Int64

	mu     sync.Mutex
	armed  crashCut // for the next statement that contains text
	text   string
	chance float64 // for every other
}

// newCrashWire starts a proxy and returns it with the URL that leads through it. The URL has no TLS.
func newCrashWire(t *testing.T, database string) (*crashWire, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	w := &crashWire{target: u.Host}
	w.listener = crashListen(t, func(conn net.Conn) { w.carry(conn) })
	u.Host = w.listener.Addr().String()
	return w, u.String()
}

// crashListen calls carry with every connection, until the test ends.
func crashListen(t *testing.T, carry func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go carry(conn)
		}
	}()
	return listener
}

// arm cuts the next statement that contains text.
func (w *crashWire) arm(cut crashCut, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.text = cut, text
}

// random cuts every statement with the given chance, in one of the ways that do not take long.
func (w *crashWire) random(chance float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.chance = chance
}

func (w *crashWire) plan(statement string) crashCut {
	w.mu.Lock()
	defer w.mu.Unlock()
	cut := crashPass
	switch {
	case w.armed != crashPass && strings.Contains(statement, w.text):
		cut, w.armed = w.armed, crashPass
	case rand.Float64() < w.chance:
		cut = crashBefore + crashCut(rand.IntN(3))
	}
	w.cuts[cut].Add(1)
	return cut
}

func (w *crashWire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close()
	startup, err := crashMessage(client, 0)
	if err != nil {
		return
	}
	if _, err := server.Write(startup); err != nil {
		return
	}
	if bits.BigEndian.Uint32(startup[4:]) == 80877102 { // a cancel request: nothing follows
		_, _ = io.Copy(client, server)
		return
	}
	var doom atomic.Int32
	go func() {
		defer client.Close()
		defer server.Close()
		w.answers(client, server, &doom)
	}()
	_ = w.requests(client, server, &doom)
}

var errCrashCut = errors.New("cut")

// requests carries what the client sends, and judges every statement that is about to run.
func (w *crashWire) requests(client, server net.Conn, doom *atomic.Int32) error {
	prepared := map[string]string{}
	for {
		m, err := crashMessage(client, 1)
		if err != nil {
			return err
		}
		texts := append(bytes.SplitN(m[5:], []byte{0}, 3), nil, nil)
		statement, runs := "", true
		switch m[0] {
		case 'P': // Parse: name, statement
			prepared[string(texts[0])], runs = string(texts[1]), false
		case 'B': // Bind: portal, name
			statement = prepared[string(texts[1])]
		case 'Q': // Query
			statement = string(texts[0])
		default:
			runs = false
		}
		if runs {
			cut := w.plan(statement)
			if cut == crashBefore {
				return errCrashCut
			}
			if cut != crashPass {
				doom.Store(int32(cut))
			}
		}
		if _, err := server.Write(m); err != nil {
			return err
		}
	}
}

// answers carries what the server sends, until a cut ends it.
func (w *crashWire) answers(client, server net.Conn, doom *atomic.Int32) {
	ended := false
	for {
		m, err := crashMessage(server, 1)
		if err != nil {
			return
		}
		cut := crashCut(doom.Load())
		switch {
		case cut == crashStall:
			continue
		case cut != crashPass && m[0] == 'Z': // ReadyForQuery: it is committed
			return
		case cut == crashAfter, ended:
			continue
		}
		ended = cut == crashHalf && m[0] == 'C' // CommandComplete comes before the commit
		if _, err := client.Write(m); err != nil {
			return
		}
	}
}

// crashMessage reads one message with its head: a type of the given size, then four bytes of length.
func crashMessage(from io.Reader, kind int) ([]byte, error) {
	m := make([]byte, kind+4)
	if _, err := io.ReadFull(from, m); err != nil {
		return nil, err
	}
	length := bits.BigEndian.Uint32(m[kind:])
	if length < 4 || length > 1<<24 {
		return nil, errors.New("this is not the protocol")
	}
	m = append(m, make([]byte, length-4)...)
	_, err := io.ReadFull(from, m[kind+4:])
	return m, err
}

// crashThief stands between clients and the program, and swallows answers: wholly, or but for their beginning. It
// relies on one request for each connection.
type crashThief struct {
	address string
	to      func() string
	stolen  atomic.Int64
	armed   atomic.Bool // for the next answer
	chance  atomic.Int64
}

func newCrashThief(t *testing.T, to func() string) *crashThief {
	t.Helper()
	thief := &crashThief{to: to}
	thief.address = crashListen(t, thief.carry).Addr().String()
	return thief
}

func (f *crashThief) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.to())
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client) }()
	answer, err := io.ReadAll(server)
	if err != nil {
		return // the program died: there is no whole answer
	}
	if f.armed.Swap(false) || rand.Int64N(1000) < f.chance.Load() {
		f.stolen.Add(1)
		answer = answer[:rand.IntN(2)*rand.IntN(len(answer)+1)]
	}
	_, _ = client.Write(answer)
}
