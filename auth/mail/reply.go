package mail

import (
	"bufio"
	"bytes"
	"net"
)

// replies is a connection to a mail server that adds a space to replies that are only a code. RFC 5321 §4.2 lets a server send
// "250" alone, which textproto refuses, as it does a code before anything other than a space or a hyphen.
type replies struct {
	net.Conn
	from *bufio.Reader
	rest []byte // the unread part of a line
	cont bool   // the next bytes continue a line
}

// Read reads from one line at most.
func (r *replies) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		line, err := r.from.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err
		}
		code := 0
		if !r.cont && isShortReply(line) {
			code = 3
		}
		r.rest = append(r.rest[:0], line[:code]...)
		if code > 0 {
			r.rest = append(r.rest, ' ')
		}
		r.rest = append(r.rest, line[code:]...)
		r.cont = line[len(line)-1] != '\n'
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// isShortReply reports whether a line begins with a code that is not followed by a space, a hyphen or another digit.
func isShortReply(line []byte) bool {
	text := bytes.TrimRight(line, "\r\n")
	for _, digit := range text[:min(3, len(text))] {
		if digit < '0' || digit > '9' {
			return false
		}
	}
	return len(text) == 3 || len(text) > 3 && text[3] != ' ' && text[3] != '-' && (text[3] < '0' || text[3] > '9')
}
