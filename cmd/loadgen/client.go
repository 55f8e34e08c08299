package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// client is one connection that speaks just enough HTTP/1.1 to cost little beside the server that it measures: on one
// machine the load generator's own work would otherwise be counted as the server's.
type client struct {
	address, host string
	conn          net.Conn
	reader        *bufio.Reader
	out, body     []byte
}

func newClient(base string) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" {
		return nil, fmt.Errorf("%q is not an http:// URL", base)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	addresses, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", u.Hostname(), err)
	}
	for _, a := range addresses {
		if !a.IsLoopback() {
			return nil, fmt.Errorf("%s is not a loopback address", a)
		}
	}
	return &client{address: net.JoinHostPort(addresses[0].Unmap().String(), port), host: u.Host}, nil
}

// do sends one request and returns the status and the body, which is good until the next call. After an error the
// next call dials again.
func (c *client) do(method, path, contentType, authorization, proof string, body []byte) (status int, answer []byte, err error) {
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("tcp", c.address, 5*time.Second); err != nil {
			return 0, nil, fmt.Errorf("dial: %w", err)
		}
		c.reader = bufio.NewReaderSize(c.conn, 8<<10)
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	c.out = append(c.out[:0], method...)
	c.out = append(append(append(c.out, ' '), path...), " HTTP/1.1\r\nHost: "...)
	c.out = append(append(c.out, c.host...), "\r\nUser-Agent: loadgen\r\n"...)
	if authorization != "" {
		c.out = append(append(append(c.out, "Authorization: Bearer "...), authorization...), "\r\n"...)
	}
	if proof != "" {
		c.out = append(append(append(c.out, "DPoP: "...), proof...), "\r\n"...)
	}
	if contentType != "" {
		c.out = append(append(append(c.out, "Content-Type: "...), contentType...), "\r\n"...)
	}
	c.out = append(strconv.AppendInt(append(c.out, "Content-Length: "...), int64(len(body)), 10), "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if err := c.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, nil, fmt.Errorf("deadline: %w", err)
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, nil, fmt.Errorf("send: %w", err)
	}
	return c.read()
}

func (c *client) read() (status int, answer []byte, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, nil, fmt.Errorf("read header: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, _ := bytes.Cut(line, []byte(": ")); {
		case first:
			if len(line) < 12 {
				return 0, nil, errors.New("no status line")
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, nil, errors.New("no status in the status line")
			}
		case len(line) == 0:
			if cap(c.body) < length {
				c.body = make([]byte, length)
			}
			c.body = c.body[:length]
			if _, err := io.ReadFull(c.reader, c.body); err != nil {
				return 0, nil, fmt.Errorf("read body: %w", err)
			}
			return status, c.body, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length > 1<<20 {
				return 0, nil, errors.New("no usable Content-Length")
			}
		}
	}
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// member takes a string member out of a flat JSON object, or "".
func member(body []byte, name string) string {
	_, rest, ok := bytes.Cut(body, []byte(`"`+name+`":"`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
