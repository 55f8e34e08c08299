package mail

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// signIn sends the user name and the password. The caller ensures that the connection is encrypted, or to this machine.
func (s *SMTP) signIn(c *conversation) error {
	_, offered := c.client.Extension("AUTH")
	method, err := s.method(c, strings.Fields(strings.ToUpper(offered)))
	if err != nil {
		return err
	}
	c.wait(c.timeout)
	if err := c.client.Auth(method); err != nil {
		if replyCode(err) >= 500 {
			return fmt.Errorf("%w: the server refuses the user or the password of LATCHKEY_SMTP_URL: %s", ErrSettings, cause(err))
		}
		return failure("AUTH failed", err)
	}
	return nil
}

// method returns the strongest mechanism that the server offers (RFC 4954 §4).
func (s *SMTP) method(c *conversation, offered []string) (smtp.Auth, error) {
	user := s.user.Username()
	password, _ := s.user.Password()
	var state tls.ConnectionState
	secured, secure := c.conn.(*tls.Conn)
	if secure {
		state = secured.ConnectionState()
	}
	for _, known := range []struct {
		name     string
		needsTLS bool
		auth     func() smtp.Auth
	}{
		{"SCRAM-SHA-256-PLUS", true, func() smtp.Auth { return smtp.ScramSHA256PlusAuth(user, password, &state) }},
		{"SCRAM-SHA-256", false, func() smtp.Auth { return smtp.ScramSHA256Auth(user, password) }},
		{"SCRAM-SHA-1-PLUS", true, func() smtp.Auth { return smtp.ScramSHA1PlusAuth(user, password, &state) }},
		{"SCRAM-SHA-1", false, func() smtp.Auth { return smtp.ScramSHA1Auth(user, password) }},
		{"CRAM-MD5", false, func() smtp.Auth { return smtp.CRAMMD5Auth(user, password) }},
		{"PLAIN", false, func() smtp.Auth { return smtp.PlainAuth("", user, password, s.host, true) }},
		{"LOGIN", false, func() smtp.Auth { return smtp.LoginAuth(user, password, s.host, true) }},
		{"NTLM", false, func() smtp.Auth { return smtp.NTLMAuth(user, password, "") }},
	} {
		if slices.Contains(offered, known.name) && (secure || !known.needsTLS) {
			return known.auth(), nil
		}
	}
	return nil, fmt.Errorf("%w: LATCHKEY_SMTP_URL has a user and a password, and the server takes no login that we can make (%s): "+
		"leave them out, or name the server and port that does", ErrSettings, offer(offered))
}

func offer(mechanisms []string) string {
	if len(mechanisms) == 0 {
		return "it offers no AUTH"
	}
	return "its AUTH offers none of ours"
}
