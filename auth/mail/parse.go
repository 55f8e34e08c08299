package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
)

// Parse parses a mail that compose encoded, as a mail reader does.
func Parse(data []byte) (m Message, err error) {
	read, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return m, fmt.Errorf("mail: %w", err)
	}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject")); err != nil {
		return m, fmt.Errorf("mail: subject: %w", err)
	}
	m.ID, m.To = strings.Trim(read.Header.Get("Message-Id"), "<>"), strings.Trim(read.Header.Get("To"), "<>")
	if m.At, err = read.Header.Date(); err != nil {
		return m, fmt.Errorf("mail: date: %w", err)
	}
	_, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil {
		return m, fmt.Errorf("mail: %w", err)
	}
	parts := multipart.NewReader(read.Body, params["boundary"])
	for {
		part, err := parts.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, fmt.Errorf("mail: %w", err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return m, fmt.Errorf("mail: %w", err)
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		switch {
		case strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain"):
			m.Text = text
		case strings.HasPrefix(part.Header.Get("Content-Type"), "text/html"):
			m.HTML = text
		}
	}
}
