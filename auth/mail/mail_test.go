package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/auth/mail"
	"latchkey/auth/mail/mailtest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func message() mail.Message {
	return mail.Message{ID: "0199", To: "ada@example.com", Subject: "Neue Anmeldung: „Telefon“", Text: "Guten Tag – hier.\n", HTML: "<p>Guten Tag – hier.</p>", At: noon}
}

func from(t *testing.T) *netmail.Address {
	t.Helper()
	a, err := mail.ParseFrom("Latchkey <no-reply@id.example.com>")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// to returns a sender that reaches the server by its own name, like a remote one.
func to(t *testing.T, s *mailtest.Server, url string) *mail.SMTP {
	t.Helper()
	sender, err := mail.NewSMTP(url, from(t))
	if err != nil {
		t.Fatal(err)
	}
	sender.TLS = &tls.Config{RootCAs: s.Roots}
	sender.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Address)
	}
	return sender
}

const login = "latchkey:a%20word%20for%20the%20mail%20server@"

// parts parses a mail as a mail reader does.
func parts(t *testing.T, data []byte) (header netmail.Header, text, html string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	var bodies []string
	for {
		p, err := r.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			break
		}
		body, readErr := io.ReadAll(p)
		if err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		bodies = append(bodies, p.Header.Get("Content-Type"), strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if len(bodies) != 4 || bodies[0] != "text/plain; charset=UTF-8" || bodies[2] != "text/html; charset=UTF-8" {
		t.Fatalf("parts %q", bodies)
	}
	return m.Header, bodies[1], bodies[3]
}

func TestAMailArrivesWholeOverTLSAndLogin(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		server := mailtest.Start(t, implicit)
		sender := to(t, server, "smtp://"+login+mailtest.Name)
		if implicit {
			sender = to(t, server, "smtps://"+login+server.Address)
			sender.Dial = nil
		}
		if err := sender.Send(t.Context(), message()); err != nil {
			t.Fatalf("%v: %v", implicit, err)
		}
		got := server.Mails()
		if len(got) != 1 || !got[0].TLS || got[0].User != mailtest.User || got[0].To != "ada@example.com" || got[0].From != "no-reply@id.example.com" {
			t.Fatalf("%+v", got)
		}
		header, text, html := parts(t, got[0].Data)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || subject != message().Subject || text != message().Text || html != message().HTML {
			t.Errorf("%v: %q, %q, %q", err, subject, text, html)
		}
		for name, want := range map[string]string{
			"To": "<ada@example.com>", "From": `"Latchkey" <no-reply@id.example.com>`, "Message-Id": "<0199@id.example.com>",
			"Date": "Mon, 23 Nov 2026 12:00:00 +0000", "Auto-Submitted": "auto-generated",
		} {
			if header.Get(name) != want {
				t.Errorf("%s: %q", name, header.Get(name))
			}
		}
	}
}

// Answers go where the operator says, and a logo travels with the mail: nothing of it is fetched. Names hold what they like.
func TestAMailCarriesAReplyAddressAndALogo(t *testing.T) {
	server := mailtest.Start(t, false)
	sender := to(t, server, "smtp://"+login+mailtest.Name)
	name := strings.Repeat("👩‍👩‍👧 Müller, \"Söhne\" <x> متجر", 3)
	sender.From = &netmail.Address{Name: name, Address: "no-reply@id.example.com"}
	sender.ReplyTo = &netmail.Address{Name: name, Address: "help@example.com"}
	files := mail.Files{Folder: t.TempDir(), From: sender.From, ReplyTo: sender.ReplyTo}
	m := message()
	m.Subject, m.Logo = "New sign-in · "+name, bytes.Repeat([]byte("\x89PNG\r\n\x1a\n\x00"), 500)
	if err := errors.Join(sender.Send(t.Context(), m), files.Send(t.Context(), m)); err != nil {
		t.Fatal(err)
	}
	data := server.Mails()[0].Data
	read, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{"From": sender.From.Address, "Reply-To": sender.ReplyTo.Address} {
		a, err := read.Header.AddressList(header)
		if err != nil || len(a) != 1 || a[0].Address != want || a[0].Name != name {
			t.Errorf("%s: %v, %v", header, a, err)
		}
	}
	if kind := read.Header.Get("Content-Type"); !strings.HasPrefix(kind, "multipart/related") || !bytes.Contains(data, []byte("Content-Id: <"+mail.LogoID+">")) && !bytes.Contains(data, []byte("Content-ID: <"+mail.LogoID+">")) {
		t.Errorf("%s, or no such part", kind)
	}
	names, _ := files.Names()
	fromFile, err := files.Read(names[0])
	if err != nil {
		t.Fatal(err)
	}
	fromServer, err := mail.Parse(data)
	for where, got := range map[string]mail.Message{"server": fromServer, "file": fromFile} {
		if err != nil || got.Text != m.Text || got.HTML != m.HTML || got.Subject != m.Subject || !bytes.Equal(got.Logo, m.Logo) {
			t.Errorf("%s: %v, %q", where, err, got)
		}
	}
}

func TestNothingIsSaidInTheClearToAServerElsewhere(t *testing.T) {
	server := mailtest.Start(t, false)
	plain := to(t, server, "smtp://"+login+mailtest.Name)
	plain.TLS = &tls.Config{} // trusts no certificate of the server's
	if err := plain.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("a certificate of nobody: %v", err)
	}
	other := to(t, server, "smtp://"+login+"other.example.com")
	if err := other.Send(t.Context(), message()); err == nil {
		t.Error("the certificate of another server was taken")
	}
	if len(server.Mails()) != 0 {
		t.Error("a mail was sent")
	}
}

func TestRefusalsForGoodAreToldFromThoseForNow(t *testing.T) {
	server := mailtest.Start(t, false)
	sender := to(t, server, "smtp://"+login+mailtest.Name)
	for name, c := range map[string]struct {
		refuse          func(string) error
		atData, atReply func() error
		refused         bool
	}{
		"no such person": {refuse: func(string) error {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
		}, refused: true},
		"come back later": {refuse: func(string) error {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later"}
		}},
		"dies at RCPT":      {refuse: func(string) error { return mailtest.ErrHangUp }},
		"dies in DATA":      {atData: func() error { return mailtest.ErrHangUp }},
		"dies after DATA":   {atReply: func() error { return mailtest.ErrHangUp }},
		"is full":           {atData: func() error { return &smtp.SMTPError{Code: 452, Message: "full"} }},
		"dislikes the mail": {atData: func() error { return &smtp.SMTPError{Code: 554, Message: "no"} }, refused: true},
	} {
		server.Fail(c.refuse, c.atData, c.atReply)
		if err := sender.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) != c.refused {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), mailtest.Password) {
			t.Errorf("%s: the password is in %v", name, err)
		}
	}
	down := to(t, server, "smtp://"+login+mailtest.Name)
	down.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("down for ada@example.com")
	}
	if err := down.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) || strings.Contains(err.Error(), "ada") {
		t.Errorf("down: %v", err)
	}
	wrong := to(t, server, "smtp://latchkey:wrong-word@"+mailtest.Name)
	if err := wrong.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) || strings.Contains(err.Error(), "wrong-word") {
		t.Errorf("a wrong password is the operator's to mend: %v", err)
	}
}

func TestASlowServerIsGivenUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sender, err := mail.NewSMTP("smtp://"+listener.Addr().String(), from(t))
	if err != nil {
		t.Fatal(err)
	}
	sender.Timeout = 50 * time.Millisecond
	if err := sender.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("a server that says nothing: %v", err)
	}
}

func TestNoNameOrAddressAddsAHeader(t *testing.T) {
	server := mailtest.Start(t, false)
	sender := to(t, server, "smtp://"+login+mailtest.Name)
	for name, change := range map[string]func(*mail.Message){
		"subject":   func(m *mail.Message) { m.Subject = "x\r\nBcc: eve@example.com" },
		"newline":   func(m *mail.Message) { m.Subject = "x\nBcc: eve@example.com" },
		"recipient": func(m *mail.Message) { m.To = "ada@example.com\r\nBcc: eve@example.com" },
		"two":       func(m *mail.Message) { m.To = "ada@example.com, eve@example.com" },
		"a name":    func(m *mail.Message) { m.To = "Ada <ada@example.com>" },
		"id":        func(m *mail.Message) { m.ID = "x>\r\nBcc: eve@example.com" },
		"none":      func(m *mail.Message) { m.To = "" },
	} {
		m := message()
		change(&m)
		if err := sender.Send(t.Context(), m); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := message()
	m.Text, m.HTML = "x\r\n.\r\nMAIL FROM:<eve@example.com>\r\n", "<p>.</p>"
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := server.Mails()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	if header, text, _ := parts(t, got[0].Data); header.Get("Bcc") != "" || !strings.Contains(text, "MAIL FROM:<eve@example.com>") {
		t.Errorf("header %v, text %q", header, text)
	}
}

func TestInternationalAddressesWorkOrAreRefusedClearly(t *testing.T) {
	server := mailtest.Start(t, false)
	sender := to(t, server, "smtp://"+login+mailtest.Name)
	m := message()
	m.To = "ada@bücher.example"
	if err := sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := server.Mails(); len(got) != 1 || got[0].To != "ada@xn--bcher-kva.example" {
		t.Errorf("%+v", got)
	}
	for _, to := range []string{"jürgen@example.com", "ada@-example.com", "ada@192.0.2.1", "ada@[192.0.2.1]", `"ada b"@example.com`, "ada@" + strings.Repeat("a", 64) + ".com",
		strings.Repeat("a", 65) + "@example.com", "ada@" + strings.Repeat("a.", 126) + "aa", "ada@exa mple.com", "ada", "@example.com"} {
		m.To = to
		if err := sender.Send(t.Context(), m); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestURLsThatCannotBeMeantAreRefusedWithoutRepeatingThem(t *testing.T) {
	for _, url := range []string{"", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://u:hunter2hunter2@mail.example.com/x",
		"smtp://u:hunter2hunter2@mail.example.com?x", "smtp://u:hunter2hunter2@mail.example.com:99999", "smtp://u:hunter2%zz@h"} {
		if _, err := mail.NewSMTP(url, from(t)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, bad := range []string{"", "nobody", "a@b@c", "x <a@b.c>, <d@e.f>", "A\r\nBcc: x <a@b.c>"} {
		if _, err := mail.ParseFrom(bad); err == nil {
			t.Errorf("from %q", bad)
		}
	}
}

func TestFilesKeepMailsForThisUserOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data", "mail")
	f := mail.Files{Folder: folder, From: from(t)}
	if names, err := f.Names(); err != nil || len(names) != 0 {
		t.Errorf("before the first: %v, %v", names, err)
	}
	for _, id := range []string{"1", "2", "2"} {
		m := message()
		m.ID = id
		if err := f.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := f.Names(); err != nil || strings.Join(names, " ") != "2 1" {
		t.Errorf("%v, %v", names, err)
	}
	data, err := os.ReadFile(filepath.Join(folder, "2.eml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, text, _ := parts(t, data); text != message().Text {
		t.Errorf("text %q", text)
	}
	for path, mode := range map[string]os.FileMode{folder: 0o700 | os.ModeDir, filepath.Join(folder, "1.eml"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, id := range []string{"", "../x", "a/b", `a\b`, "."} {
		m := message()
		m.ID = id
		if err := f.Send(t.Context(), m); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("id %q: %v", id, err)
		}
	}
}
