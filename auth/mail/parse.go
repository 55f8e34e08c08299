package mail

import (
	"bytes"
	"encoding/base64"
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
	if err := m.parseParts(read.Header.Get("Content-Type"), read.Body); err != nil {
		return m, fmt.Errorf("mail: %w", err)
	}
	return m, nil
}

// parseParts reads the parts of a multipart body, those of parts within parts included.
func (m *Message) parseParts(contentType string, body io.Reader) error {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind := part.Header.Get("Content-Type")
		if strings.HasPrefix(kind, "multipart/") {
			if err := m.parseParts(kind, part); err != nil {
				return err
			}
			continue
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		switch {
		case strings.HasPrefix(kind, "text/plain"):
			m.Text = text
		case strings.HasPrefix(kind, "text/html"):
			m.HTML = text
		case strings.HasPrefix(kind, "image/png"):
			if m.Logo, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", "")); err != nil {
				return err
			}
		}
	}
}
