package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"latchkey/auth/seal"
)

// LogIP says what the log tells about where a refused credential came from.
type LogIP string

// The choices. The zero LogIP is LogIPOff.
const (
	LogIPOff  LogIP = "off"
	LogIPHash LogIP = "hash" // a keyed hash of the caller's network: the same for all that comes from there, and not to be reversed without the server secret
	LogIPFull LogIP = "full" // the caller's IP address
)

// newOrigin returns what wire.Judge.Origin is.
func (s *Server) newOrigin(c Config) (func(r *http.Request) string, error) {
	keys, err := seal.Keys([][]byte{c.Secret}, "log ip")
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	switch c.LogIP {
	case LogIPFull:
		return func(r *http.Request) string {
			return s.proxies.client(r.RemoteAddr, r.Header.Values("X-Forwarded-For")).Address()
		}, nil
	case LogIPHash:
		return func(r *http.Request) string {
			network := s.proxies.client(r.RemoteAddr, r.Header.Values("X-Forwarded-For")).Network()
			if network == "" {
				return ""
			}
			mac := hmac.New(sha256.New, keys[0])
			mac.Write([]byte(network))
			return hex.EncodeToString(mac.Sum(nil)[:hashedIPSize])
		}, nil
	case LogIPOff, "":
		return nil, nil //nolint:nilnil // nothing is told
	}
	return nil, fmt.Errorf("log: %q is no choice", c.LogIP)
}

// hashedIPSize is how many bytes of the hash are logged: enough to tell networks apart.
const hashedIPSize = 8
