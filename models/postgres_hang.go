package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A server that hangs keeps its connections: a machine that lost its power or network, a stopped process. Statements on them would
// wait for their contexts, one connection after the other. So a statement that takes long makes us ask the server for a sign of life.
// A busy server gives it, and the statement goes on. Without it, all connections to the server are closed.
const (
	// hangAfter is how long a statement runs before the server is asked, and answerTime how long the answer may take. A connection
	// that was idle for longer than pingAfter is tried before it is used.
	hangAfter  = time.Second
	answerTime = time.Second
	pingAfter  = time.Second
	// doubtFor is how long a server that hung is not dialled. Then one connection tries it first, and the others the other servers.
	doubtFor = 500 * time.Millisecond
)

// errHung is the error of a connection that is not tried.
var errHung = errors.New("this server did not answer a moment ago")

// servers remembers which network addresses of servers did not answer.
type servers struct {
	dial  pgconn.DialFunc
	log   *slog.Logger // may be nil
	mu    sync.Mutex
	doubt map[string]time.Time // until when, by the monotonic clock
}

func newServers(dial pgconn.DialFunc, log *slog.Logger) *servers {
	return &servers{dial: dial, log: log, doubt: map[string]time.Time{}}
}

// connect is the DialFunc of all connections.
func (s *servers) connect(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	until, doubted := s.doubt[address]
	fail := doubted && time.Now().Before(until)
	if doubted && !fail {
		s.doubt[address] = time.Now().Add(doubtFor)
	}
	s.mu.Unlock()
	if fail {
		return nil, fmt.Errorf("%s: %w", address, errHung)
	}
	return s.dial(ctx, network, address)
}

// trust ends the doubt about a server that accepted a connection for use.
func (s *servers) trust(conn *pgconn.PgConn) {
	s.mu.Lock()
	delete(s.doubt, conn.Conn().RemoteAddr().String())
	s.mu.Unlock()
}

// distrust begins the doubt about the server of a connection.
func (s *servers) distrust(address net.Addr) {
	s.mu.Lock()
	_, known := s.doubt[address.String()]
	s.doubt[address.String()] = time.Now().Add(doubtFor)
	s.mu.Unlock()
	if s.log != nil && !known {
		s.log.Warn("the PostgreSQL server does not answer; its connections are closed", "server", address.String())
	}
}

// sslRequest asks a server whether it supports TLS (frontend/backend protocol, "SSLRequest"). It answers in one byte, before any
// authentication.
var sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

// answers reports whether anything came back within answerTime, a refusal included.
func (s *servers) answers(address net.Addr) bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	conn, err := s.dial(ctx, address.Network(), address.String())
	if err != nil {
		return !pgconn.Timeout(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	if _, err = conn.Write(sslRequest); err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	var network net.Error
	return !errors.As(err, &network) || !network.Timeout()
}
