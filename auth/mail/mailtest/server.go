// Package mailtest provides a mail server for tests: a real SMTP conversation, with the faults that a test sets.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The server's name in its certificate, and the only login that it accepts.
const (
	Name     = "mail.example.com"
	User     = "latchkey"
	Password = "a word for the mail server"
)

// Mail is a mail that the server has accepted.
type Mail struct {
	From, To string
	Data     []byte
	TLS      bool
	User     string
}

// Server accepts mails. Its faults may be changed while it runs.
type Server struct {
	Address string
	Roots   *x509.CertPool // contain its certificate

	mu      sync.Mutex
	mails   []Mail
	refuse  func(to string) error // at RCPT
	atData  func() error          // before the mail is accepted
	atReply func() error          // after it was accepted
}

// Start runs a server on a free loopback port until the test ends. It offers STARTTLS or, if implicit, uses TLS from the start, and
// requires a login over TLS.
func Start(t testing.TB, implicit bool) *Server {
	t.Helper()
	s := &Server{}
	config := s.certificate(t)
	server := smtp.NewServer(s)
	server.TLSConfig, server.Domain, server.EnableSMTPUTF8 = config, Name, false
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	server.ErrorLog = quiet{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (s *Server) certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{Name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// Mails returns the mails that were accepted so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Fail sets the server's faults; nil removes one. refuse is called for recipients, atData before a mail is accepted, and atReply
// after: an error there loses the reply, but not the mail.
func (s *Server) Fail(refuse func(to string) error, atData, atReply func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse, s.atData, s.atReply = refuse, atData, atReply
}

// NewSession begins a conversation.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

// ErrHangUp makes the server close the connection instead of replying.
var ErrHangUp = errors.New("hang up")

type session struct {
	server   *Server
	conn     *smtp.Conn
	user     string
	from, to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if _, secure := s.conn.TLSConnectionState(); !secure || user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	refuse := s.server.refuse
	s.server.mu.Unlock()
	s.to = to
	if refuse != nil {
		return s.answer(refuse(to))
	}
	return nil
}

func (s *session) answer(err error) error {
	if errors.Is(err, ErrHangUp) {
		_ = s.conn.Conn().Close()
	}
	return err
}

func (s *session) Data(r io.Reader) error {
	s.server.mu.Lock()
	atData, atReply := s.server.atData, s.server.atReply
	s.server.mu.Unlock()
	if atData != nil {
		if err := atData(); err != nil {
			return s.answer(err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, secure := s.conn.TLSConnectionState()
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, Mail{s.from, s.to, data, secure, s.user})
	s.server.mu.Unlock()
	if atReply != nil {
		return s.answer(atReply())
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }
