package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strconv"
	"syscall"
)

// Servers repeat addresses in their replies, in many forms, and errors are logged. So no error of this package contains a server's
// text: it has the step, the codes and our own words.

// failure returns an error of a step after which the same mail may be accepted later.
func failure(step string, err error) error {
	failed := errors.New("mail: " + step + ": " + cause(err))
	if replyCode(err) != 0 {
		return deferral{failed}
	}
	return failed
}

// deferral is an error after which the server answered, and did not take the mail for now.
type deferral struct{ error }

// Is makes it an ErrDeferred without changing its text.
func (deferral) Is(target error) bool { return target == ErrDeferred }

// refusal is failure for a step that is about the mail itself: a 5yz reply refuses it for good (RFC 5321 §4.2.1), except for codes
// that demand a login (RFC 4954 §6), which are about the settings.
func refusal(step string, err error) error {
	switch code := replyCode(err); {
	case code == 530 || code == 534 || code == 535 || code == 538:
		return fmt.Errorf("%w: the server wants a login, see LATCHKEY_SMTP_URL: %s: %s", ErrSettings, step, cause(err))
	case code >= 500:
		return fmt.Errorf("%w: %s: %s", ErrRefused, step, cause(err))
	}
	return failure(step, err)
}

// positive reports whether a step succeeded. The first digit of the reply decides (RFC 5321 §4.2).
func positive(err error) bool { return err == nil || replyCode(err)/100 == 2 }

// replyCode returns the code of a server's reply, or 0.
func replyCode(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code >= 200 && reply.Code < 600 {
		return reply.Code
	}
	return 0
}

// enhancedCode matches the code at the start of a reply's text, if the server sends one (RFC 2034 §4).
var enhancedCode = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// cause describes why a step failed.
func cause(err error) string {
	if code := replyCode(err); code != 0 {
		text := strconv.Itoa(code)
		var reply *textproto.Error
		if errors.As(err, &reply) {
			if enhanced := enhancedCode.FindString(reply.Msg); enhanced != "" {
				text += " " + enhanced
			}
		}
		return "the server replied " + text
	}
	var verification *tls.CertificateVerificationError
	var lookup *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &verification):
		return certificateFault(verification.Err)
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "there is no such host"
	case errors.As(err, &lookup):
		return "the host's name could not be looked up"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return "broken off"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "the server took too long"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server closed the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the host cannot be reached"
	case errors.As(err, new(textproto.ProtocolError)), errors.As(err, new(*textproto.Error)):
		return "the server's reply is not SMTP"
	case errors.As(err, new(tls.RecordHeaderError)), errors.As(err, new(tls.AlertError)):
		return "the server's TLS does not fit: smtps:// speaks it from the start (port 465), smtp:// after STARTTLS (port 587)"
	}
	return "the connection failed"
}

// certificateFault returns what is wrong with a certificate, without its texts, which an attacker may have written.
func certificateFault(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "the server's certificate is from an unknown authority"
	case errors.As(err, new(x509.HostnameError)):
		return "the server's certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet"
	}
	return "the server's certificate is not valid"
}
