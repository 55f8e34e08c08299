package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// smtpTimeout is how long a server may leave us waiting.
const smtpTimeout = 15 * time.Second

// SMTP sends over one connection for each mail.
type SMTP struct {
	From *mail.Address
	// TLS overrides how certificates are verified; nil: by the system's authorities.
	TLS *tls.Config
	// Timeout is how long the server may take for each of its replies; 0: 15 s.
	Timeout time.Duration
	// Dial overrides how a server of smtp:// is reached; nil: over TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	host     string
	port     int
	implicit bool // TLS from the first byte (RFC 8314 §3.3)
	user     *url.Userinfo
}

// NewSMTP reads LATCHKEY_SMTP_URL: smtp://user:password@host:port speaks STARTTLS (RFC 3207), which a server that is not
// on this machine must offer; smtps:// speaks TLS from the start. Ports default to 587 and 465. No error repeats the
// URL, for the password in it.
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

// Send delivers one mail.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.From, m)
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		var refused *gomail.SendError
		if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

func (s *SMTP) client() (*gomail.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS != nil {
		config = s.TLS.Clone()
	}
	config.ServerName = s.host
	policy := gomail.TLSMandatory
	if isLoopback(s.host) {
		policy = gomail.TLSOpportunistic // what does not leave the machine needs no cover, nor a certificate for "localhost"
		config.InsecureSkipVerify = s.TLS == nil
	}
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(cmp.Or(s.Timeout, smtpTimeout)), gomail.WithTLSConfig(config), gomail.WithTLSPolicy(policy),
		gomail.WithoutNoop(),
	}
	if s.implicit {
		options = append(options, gomail.WithSSL())
	}
	if s.user != nil {
		password, _ := s.user.Password()
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.user.Username()), gomail.WithPassword(password))
	}
	if s.Dial != nil {
		options = append(options, gomail.WithDialContextFunc(s.Dial))
	}
	return gomail.NewClient(s.host, options...)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
