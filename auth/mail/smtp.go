package mail

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/net/idna"
)

const (
	// smtpTimeout is how long a server may take for each reply.
	smtpTimeout = 15 * time.Second
	// contentPatience times as long the last reply may take, during which servers examine the mail (RFC 5321 §4.5.3.2.6). A mail
	// whose reply we do not wait for is sent twice.
	contentPatience = 4
	// quitTimeout bounds QUIT. By then the mail is delivered.
	quitTimeout = 2 * time.Second
)

// SMTP sends each mail over a connection of its own.
type SMTP struct {
	From *mail.Address
	// ReplyTo is where answers go; nil: to From.
	ReplyTo *mail.Address
	// TLS overrides how certificates are verified; nil: by the system's authorities.
	TLS *tls.Config
	// Timeout is how long the server may take for each of its replies, and four times as long for the last one; 0: 15 s.
	Timeout time.Duration
	// Hello is the host in EHLO (RFC 5321 §4.1.1.1): a name or an IP address. Strict servers require one that exists. localhost
	// replaces invalid values and "".
	Hello string
	// Dial overrides how the server is reached; nil: over TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	host     string
	port     int
	implicit bool // TLS from the first byte (RFC 8314 §3.3)
	user     *url.Userinfo
}

// NewSMTP parses LATCHKEY_SMTP_URL. smtp://user:password@host:port uses STARTTLS (RFC 3207), which a server that is not on this
// machine must offer; smtps:// uses TLS from the start. Ports default to 587 and 465. Errors do not repeat the URL, because it
// contains the password.
func NewSMTP(text string, from *mail.Address) (*SMTP, error) {
	bad := errors.New("must be like smtp://user:password@mail.example.com:587 or smtps://…")
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, bad
	}
	s := &SMTP{From: from, host: u.Hostname(), user: u.User}
	switch u.Scheme {
	case "smtp":
		s.port = 587
	case "smtps":
		s.port, s.implicit = 465, true
	default:
		return nil, bad
	}
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil || s.port < 1 || s.port > 65535 {
			return nil, bad
		}
	}
	return s, nil
}

// Server returns the host and the port of the mail server.
func (s *SMTP) Server() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// Send delivers a mail. Its errors name the step and the server's reply codes but not the server's texts, which can contain
// addresses. After ErrRefused, never send the mail again. After ErrSettings, no mail can be sent before the operator changes a
// setting.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.From, s.ReplyTo, m)
	if err != nil {
		return err
	}
	sender, recipient, err := envelope(s.From, m)
	if err != nil {
		return err
	}
	c, end, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := c.deliver(sender, recipient, msg); err != nil {
		return err
	}
	c.quit() // The server has accepted the mail. No later error may cause it to be sent again.
	return nil
}

// Check connects to the server, starts TLS and signs in, as Send does, and sends no mail. It returns the state of TLS, or nil without it. Its
// errors are those of Send.
func (s *SMTP) Check(ctx context.Context) (*tls.ConnectionState, error) {
	c, end, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	c.quit()
	secured, ok := c.conn.(*tls.Conn)
	if !ok {
		return nil, nil
	}
	state := secured.ConnectionState()
	return &state, nil
}

// open begins a conversation in which a mail can be sent. The caller must call end.
func (s *SMTP) open(ctx context.Context) (c *conversation, end func(), err error) {
	timeout := cmp.Or(s.Timeout, smtpTimeout)
	conn, local, err := s.connect(ctx, timeout)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	end = func() {
		stop()
		_ = conn.Close()
	}
	c = &conversation{conn: conn, timeout: timeout}
	if err := s.begin(c, local); err != nil {
		end()
		return nil, nil, err
	}
	return c, end, nil
}

// connect connects to the server, with TLS if implicit, and reports whether the server is on this machine, according to its name
// and its address.
func (s *SMTP) connect(ctx context.Context, timeout time.Duration) (conn net.Conn, local bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dial := s.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	address := s.Server()
	if conn, err = dial(ctx, "tcp", address); err != nil {
		return nil, false, failure("no connection to "+address, err)
	}
	local = isLoopback(s.host) && fromLoopback(conn.RemoteAddr())
	if !s.implicit {
		return conn, local, nil
	}
	secured := tls.Client(conn, s.tlsConfig(local))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, false, failure("no TLS with "+address, err)
	}
	return secured, local, nil
}

// begin greets the server, starts TLS and signs in.
func (s *SMTP) begin(c *conversation, local bool) (err error) {
	if err := s.hello(c, c.conn); err != nil {
		return err
	}
	if offered, _ := c.client.Extension("STARTTLS"); !s.implicit && offered {
		if err := s.startTLS(c, local); err != nil {
			return err
		}
	}
	if _, secure := c.conn.(*tls.Conn); !secure && !local {
		return fmt.Errorf("%w: the server of LATCHKEY_SMTP_URL offers no STARTTLS, and nothing is sent unencrypted to another machine", ErrSettings)
	}
	if s.user == nil {
		return nil
	}
	return s.signIn(c)
}

// hello reads the server's greeting and sends EHLO.
func (s *SMTP) hello(c *conversation, from io.Reader) (err error) {
	c.wait(c.timeout)
	if c.client, err = smtp.NewClient(&replies{Conn: c.conn, from: bufio.NewReader(from)}, s.host); err != nil {
		return failure("the greeting failed", err)
	}
	c.client.SkipSMTPUTF8(true) // our addresses are ASCII; a relay could not pass the mail on to servers without SMTPUTF8
	c.wait(c.timeout)
	if err := c.client.Hello(helloName(s.Hello)); err != nil {
		return failure("EHLO failed", err)
	}
	return nil
}

// startTLS starts TLS and a new conversation (RFC 3207 §4.2). What the server said before does not count, and what was read ahead
// is discarded. The client's own StartTLS would bypass replies.
func (s *SMTP) startTLS(c *conversation, local bool) error {
	c.wait(c.timeout)
	id, err := c.client.Text.Cmd("STARTTLS")
	if err == nil {
		c.client.Text.StartResponse(id)
		_, _, err = c.client.Text.ReadResponse(220)
		c.client.Text.EndResponse(id)
	}
	if err != nil {
		return failure("STARTTLS failed", err)
	}
	secured := tls.Client(c.conn, s.tlsConfig(local))
	if err := secured.Handshake(); err != nil {
		return failure("STARTTLS failed", err)
	}
	c.conn = secured
	return s.hello(c, io.MultiReader(strings.NewReader("220 greeted already\r\n"), secured))
}

// tlsConfig verifies the server's certificate unless the server is on this machine. Such a connection needs no protection, and
// "localhost" has no certificate.
func (s *SMTP) tlsConfig(local bool) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS != nil {
		config = s.TLS.Clone()
	}
	config.ServerName = s.host
	config.InsecureSkipVerify = local && s.TLS == nil
	return config
}

// conversation is one connection to a mail server.
type conversation struct {
	conn    net.Conn
	client  *smtp.Client
	timeout time.Duration
}

// wait limits the time for the next reply.
func (c *conversation) wait(d time.Duration) { _ = c.conn.SetDeadline(time.Now().Add(d)) }

// quit says goodbye. It reports no error.
func (c *conversation) quit() {
	c.wait(min(c.timeout, quitTimeout))
	_ = c.client.Quit()
}

// deliver sends one mail. It returns nil if the server has accepted it.
func (c *conversation) deliver(sender, recipient string, msg *gomail.Msg) error {
	c.wait(c.timeout)
	if err := c.client.Mail("<" + sender + ">"); !positive(err) {
		return refusal("MAIL failed", err)
	}
	c.wait(c.timeout)
	if err := c.client.Rcpt("<" + recipient + ">"); !positive(err) {
		return refusal("RCPT failed", err)
	}
	c.wait(c.timeout)
	content, err := c.client.Data()
	if err != nil {
		return refusal("DATA failed", err)
	}
	c.wait(contentPatience * c.timeout)
	if _, err := msg.WriteTo(content); err != nil {
		return failure("the mail could not be transmitted", err)
	}
	if err := content.Close(); !positive(err) {
		return refusal("the mail was not taken", err)
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || err == nil && ip.Unmap().IsLoopback()
}

func fromLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// helloName returns a host in the form of EHLO: a domain, or an address literal (RFC 5321 §4.1.3).
func helloName(host string) string {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if ip = ip.Unmap().WithZone(""); ip.Is6() {
			return "[IPv6:" + ip.String() + "]"
		}
		return "[" + ip.String() + "]"
	}
	name, err := idna.Punycode.ToASCII(strings.ToLower(strings.TrimSuffix(host, ".")))
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= unicode.MaxASCII }) {
		return "localhost"
	}
	return name
}
