package mail

import (
	"bytes"
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

// ErrRefused says that the mail will never be accepted: the server refused the recipient or the mail for good (a 5yz reply, RFC
// 5321 §4.2.1), or the mail cannot be encoded.
var ErrRefused = errors.New("mail: refused for good")

// ErrSettings says that no mail can be sent until the operator changes a setting or the server, because they do not match.
var ErrSettings = errors.New("mail: the settings and the server do not fit")

// ErrDeferred says that the server did not take the mail for now: it answered with another code than it should.
var ErrDeferred = errors.New("mail: put off by the server")

// What is before the @ of an address that no mail can be sent to.
var (
	ErrLetters       = errors.New("letters before the @ that mail servers do not accept")
	ErrLongLocalPart = errors.New("more than 64 characters before the @")
)

// Message is a mail to one person.
type Message struct {
	ID      string // unique, and the same at every attempt, so that receivers can drop duplicates
	To      string // an address without a name
	Subject string
	Text    string // complete by itself
	HTML    string
	Logo    []byte // a PNG that HTML shows as <img src="cid:…"> (LogoID); nil: none
	At      time.Time
}

// LogoID is the Content-ID of the logo (RFC 2392). The logo travels with the mail: a program that fetched it would tell when and where
// the mail is read, and many fetch nothing.
const LogoID = "logo@brand"

// Sender sends mails. After an error other than ErrRefused, the same mail may be accepted later. Errors must not contain an e-mail
// address or a text of a mail server.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ParseFrom parses LATCHKEY_MAIL_FROM and LATCHKEY_MAIL_REPLY_TO: an address, with or without a name (RFC 5322 §3.4).
func ParseFrom(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || strings.ContainsFunc(s, unicode.IsControl) {
		return nil, errors.New("not an address like no-reply@example.com or Example <no-reply@example.com>")
	}
	return a, nil
}

// Deliverable returns the address in the form that every mail server understands, with an international domain in ASCII (RFC 5891).
// It returns an error for everything except a single bare address; for a quoted or international local part, which few servers
// accept (RFC 6531); for a local part of more than 64 bytes (RFC 5321 §4.5.3.1); and for an invalid domain, such as an IP address
// or a label of more than 63 bytes.
func Deliverable(address string) (string, error) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return "", errors.New("not a single address")
	}
	at := strings.LastIndexByte(address, '@')
	local, domain := address[:at], address[at+1:]
	if strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", ErrLetters
	}
	if len(local) > 64 {
		return "", ErrLongLocalPart
	}
	ascii, err := Domain(domain)
	if err != nil {
		return "", err
	}
	return local + "@" + ascii, nil
}

// Domain returns a mail domain in the form that every mail server understands: in lower case and ASCII (RFC 5891).
func Domain(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isDomain(ascii) {
		return "", errors.New("the part after the @ is no domain")
	}
	return ascii, nil
}

// isDomain checks what idna.Lookup does not: lengths (RFC 1035 §2.3.4), and that the domain is not an IP address.
func isDomain(ascii string) bool {
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return len(ascii) <= 253 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// compose encodes the mail as multipart/alternative, with the text first (RFC 2046 §5.1.4), and with a logo inside multipart/related
// (RFC 2387). replyTo may be nil: answers then go to the sender.
func compose(from, replyTo *mail.Address, m Message) (*gomail.Msg, error) {
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
	if replyTo != nil {
		msg.ReplyToMailAddress(replyTo)
	}
	msg.Subject(m.Subject)
	domain := sender[strings.LastIndexByte(sender, '@')+1:]
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDateWithValue(m.At)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: no automatic replies
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	if m.Logo != nil {
		msg.EmbedReadSeeker("logo.png", bytes.NewReader(m.Logo), gomail.WithFileContentID("<"+LogoID+">"), gomail.WithFileContentType("image/png"))
	}
	return msg, nil
}

// envelope returns the sender and the recipient in the form that mail servers understand.
func envelope(from *mail.Address, m Message) (sender, recipient string, err error) {
	if recipient, err = Deliverable(m.To); err != nil {
		return "", "", fmt.Errorf("%w: the recipient: %w", ErrRefused, err)
	}
	if sender, err = Deliverable(from.Address); err != nil {
		sender = from.Address // the operator chose it
	}
	return sender, recipient, nil
}
