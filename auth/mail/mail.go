package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// ErrRefused says that the mail will never be taken: the server refused the recipient or the mail itself for good (a
// 5yz reply, RFC 5321 §4.2.1), or it cannot be put into words that mail knows.
var ErrRefused = errors.New("mail: refused for good")

// ErrSettings says that no mail at all can be sent until the operator mends a setting or the server: they do not fit.
var ErrSettings = errors.New("mail: the settings and the server do not fit")

// Message is one mail to one person.
type Message struct {
	ID      string // unique, and the same at every try: receivers drop what they know
	To      string // an address without a name
	Subject string
	Text    string // readable alone
	HTML    string
	At      time.Time
}

// Sender takes mails. An error that is not ErrRefused means that the same mail may be taken later. No error may hold an e-mail
// address or a word of a mail server's.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ParseFrom reads LATCHKEY_MAIL_FROM: an address, with or without a name (RFC 5322 §3.4).
func ParseFrom(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || strings.ContainsFunc(s, unicode.IsControl) {
		return nil, errors.New("not an address like no-reply@example.com or Example <no-reply@example.com>")
	}
	return a, nil
}

// Deliverable is the address as every mail server understands it: an international domain in its ASCII form (RFC 5891).
// It refuses what is no single bare address, a quoted or an international part before the @, which few servers take (RFC
// 6531), more than 64 bytes of it (RFC 5321 §4.5.3.1), and what is no domain: an IP address, a label of more than 63 bytes.
func Deliverable(address string) (string, error) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return "", errors.New("not a single address")
	}
	at := strings.LastIndexByte(address, '@')
	local, domain := address[:at], address[at+1:]
	if strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", errors.New("letters before the @ that mail servers do not take")
	}
	if len(local) > 64 {
		return "", errors.New("more than 64 characters before the @")
	}
	ascii, err := Domain(domain)
	if err != nil {
		return "", err
	}
	return local + "@" + ascii, nil
}

// Domain is a mail domain as every mail server understands it: in lower case, an international one in its ASCII form (RFC 5891).
func Domain(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isDomain(ascii) {
		return "", errors.New("the part after the @ is no domain")
	}
	return ascii, nil
}

// isDomain checks what idna.Lookup does not: lengths (RFC 1035 §2.3.4), and that it is no IP address.
func isDomain(ascii string) bool {
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return len(ascii) <= 253 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// compose makes the mail: multipart/alternative, the text first (RFC 2046 §5.1.4).
func compose(from *mail.Address, m Message) (*gomail.Msg, error) {
	for _, header := range []string{m.ID, m.To, m.Subject} {
		if strings.ContainsFunc(header, unicode.IsControl) {
			return nil, fmt.Errorf("%w: a control character in a header", ErrRefused)
		}
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	sender, to, err := envelope(from, m)
	if err != nil {
		return nil, err
	}
	msg.FromMailAddress(&mail.Address{Name: from.Name, Address: sender})
	msg.ToMailAddress(&mail.Address{Address: to})
	msg.Subject(m.Subject)
	domain := sender[strings.LastIndexByte(sender, '@')+1:]
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDateWithValue(m.At)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: no answers by machines
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}

// envelope is who sends a mail to whom, as mail servers understand it.
func envelope(from *mail.Address, m Message) (sender, recipient string, err error) {
	if recipient, err = Deliverable(m.To); err != nil {
		return "", "", fmt.Errorf("%w: the recipient: %w", ErrRefused, err)
	}
	if sender, err = Deliverable(from.Address); err != nil {
		sender = from.Address // what an operator chose
	}
	return sender, recipient, nil
}
