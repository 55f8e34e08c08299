package mailtest

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
)

// The steps of a conversation at which a Scripted server asks for its reply. Greeting comes before the first command, and Content
// after the final dot of a mail; the others are commands.
const (
	Greeting = "greeting"
	Content  = "content"
)

// Scripted is a mail server that gives the replies that a test chooses at each step, without TLS.
type Scripted struct {
	Address string

	mu       sync.Mutex
	reply    func(step string) string
	commands []string
	contents int
	open     int
}

// HangUp as a reply closes the connection instead of replying. After another reply's text, it closes the connection once the text
// is sent.
const HangUp = "\x00"

// StartScripted runs a server on a free loopback port until the test ends. reply returns the reply to a step, like "550 5.1.1 no
// such person", or "" for the usual one.
func StartScripted(t testing.TB, reply func(step string) string) *Scripted {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Scripted{Address: listener.Addr().String(), reply: reply}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				s.count(1)
				defer s.count(-1)
				defer func() { _ = conn.Close() }()
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					select {
					case <-t.Context().Done(): // just before the cleanups
						_ = conn.Close()
					case <-stop:
					}
				}()
				s.converse(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return s
}

func (s *Scripted) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += n
}

// Open returns how many connections are open.
func (s *Scripted) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Change replaces the function that returns the replies.
func (s *Scripted) Change(reply func(step string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// Commands returns the lines that clients have sent, without the contents of mails.
func (s *Scripted) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

// Taken returns how many mails got a positive reply after their content.
func (s *Scripted) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contents
}

var usual = map[string]string{
	Greeting: "220 mail.example.com", "EHLO": "250-mail.example.com\r\n250 ENHANCEDSTATUSCODES", "DATA": "354 go on", "QUIT": "221 bye",
	"AUTH": "235 welcome",
}

// say replies to a step. It returns false if the connection ends.
func (s *Scripted) say(conn net.Conn, step string) bool {
	s.mu.Lock()
	reply := s.reply
	s.mu.Unlock()
	text := ""
	if reply != nil {
		text = reply(step)
	}
	if text == "" {
		if text = usual[step]; text == "" {
			text = "250 ok"
		}
	}
	text, cut := strings.CutSuffix(text, HangUp)
	if step == Content && strings.HasPrefix(text, "2") {
		s.mu.Lock()
		s.contents++
		s.mu.Unlock()
	}
	if text != "" {
		if _, err := conn.Write([]byte(text + "\r\n")); err != nil {
			return false
		}
	}
	return !cut
}

func (s *Scripted) converse(conn net.Conn) {
	if !s.say(conn, Greeting) {
		return
	}
	lines := bufio.NewScanner(conn)
	content := false
	for lines.Scan() {
		line := lines.Text()
		if content {
			if line != "." {
				continue
			}
			if content = false; !s.say(conn, Content) {
				return
			}
			continue
		}
		s.mu.Lock()
		s.commands = append(s.commands, line)
		s.mu.Unlock()
		step, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if !s.say(conn, step) || step == "QUIT" {
			return
		}
		content = step == "DATA" && s.follows()
	}
}

// follows reports whether the reply to the last DATA asks for content.
func (s *Scripted) follows() bool {
	s.mu.Lock()
	reply := s.reply
	s.mu.Unlock()
	if reply == nil {
		return true
	}
	text := reply("DATA")
	return text == "" || strings.HasPrefix(text, "3")
}
