//go:build unix

package latchkey

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Proof is what a server demands before a sensitive call (RFC 9470), as its answer says it. The zero Proof demands nothing.
type Proof struct{ ACR, MaxAge string }

// ErrOtherAccount means that another person has signed in than the one for whom the program is signed in. Nothing has changed.
var ErrOtherAccount = errors.New("latchkey: that is another account")

// SignIn lets the person sign in or, with a proof, confirm who they are. They come back to an address on this machine (RFC 8252 §7.3).
func (c *Client) SignIn(ctx context.Context, p Proof) error {
	m, err := c.discover(ctx)
	if err != nil {
		return err
	}
	var k kept
	err = c.locked(ctx, func(stored kept) (err error) {
		if k = stored; len(k.Key) == 0 { // before the first sign-in, and kept for all that follow
			if k.Key, err = newKey(); err == nil {
				err = c.save(k)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	thumbprint, err := thumbprintOf(k.Key)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	redirect := "http://" + listener.Addr().String() + "/callback"
	verifier, state, nonce := rand.Text()+rand.Text(), rand.Text(), rand.Text()
	answers := make(chan url.Values, 1)
	server := &http.Server{Handler: callback(state, answers), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	request := url.Values{
		"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {redirect}, "scope": {strings.TrimSpace("openid " + c.Scope)},
		"state": {state}, "nonce": {nonce}, "code_challenge": {base64url(sum(verifier))}, "code_challenge_method": {"S256"},
		"dpop_jkt": {thumbprint},
	}
	for name, value := range map[string]string{"device_name": c.DeviceName, "acr_values": p.ACR, "max_age": p.MaxAge} {
		if value != "" {
			request.Set(name, value)
		}
	}
	if err := c.Open(m.Authorization + "?" + request.Encode()); err != nil {
		return err
	}
	var back url.Values
	select {
	case back = <-answers:
	case <-ctx.Done():
		return ctx.Err()
	}
	switch {
	case back.Get("iss") != m.Issuer: // the answer of another server (RFC 9207)
		return errors.New("latchkey: the answer is not from " + m.Issuer)
	case back.Get("error") != "":
		return fmt.Errorf("latchkey: %s: %s", back.Get("error"), back.Get("error_description"))
	}
	t, err := c.token(ctx, k, c.patience(), url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier},
	})
	if err == nil && t.Error != "" {
		err = fmt.Errorf("latchkey: the code was refused: %s", t.Error)
	}
	if err != nil {
		return err
	}
	return c.keep(ctx, k.Key, t, nonce)
}

// callback takes the one answer that has the state, and tells the person to go back.
func callback(state string, answers chan<- url.Values) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/callback" || r.URL.Query().Get("state") != state {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "You can close this page and go back to the program.\n")
		select {
		case answers <- r.URL.Query():
		default: // the page was loaded again
		}
	})
}

// keep stores the tokens of a sign-in with the key that they are bound to: another process may have signed out since, and File has none then.
// They belong to a new device; the one before, if there is one, is signed out once they are stored.
func (c *Client) keep(ctx context.Context, key []byte, t tokens, nonce string) error {
	var id struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
		Nonce    string `json:"nonce"`
	}
	// The server itself has sent it, so TLS takes the place of its signature (OpenID Connect Core §3.1.3.7, 6).
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(t.IDToken+"..", ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &id)
	}
	if err != nil || id.Issuer != c.Issuer || id.Audience != c.ClientID || id.Nonce != nonce || id.Subject == "" {
		return errors.New("latchkey: the ID token is not for this sign-in")
	}
	return c.locked(ctx, func(k kept) error {
		if k.Subject != "" && k.Subject != id.Subject {
			c.revoke(ctx, key, t.RefreshToken)
			return ErrOtherAccount
		}
		before := k
		k = k.with(t)
		k.Key, k.Subject = key, id.Subject
		if err := c.save(k); err != nil {
			return err
		}
		c.revoke(ctx, before.Key, before.Refresh)
		return nil
	})
}

// SignOut forgets the sign-in and tells the server. Without a network the program is signed out all the same, and its device stays in the
// person's list until they sign it out there.
func (c *Client) SignOut(ctx context.Context) error {
	return c.locked(ctx, func(k kept) error {
		if len(k.Key) == 0 {
			return nil // there is no sign-in, or only that of another client
		}
		if err := c.save(kept{}); err != nil {
			return err
		}
		c.revoke(ctx, k.Key, k.Refresh)
		return nil
	})
}

func (c *Client) revoke(ctx context.Context, key []byte, token string) {
	if token == "" {
		return
	}
	m, err := c.discover(ctx)
	if err != nil {
		return
	}
	_, _, _ = c.post(ctx, kept{Key: key}, m.Revocation, url.Values{"token": {token}, "client_id": {c.ClientID}}, &struct{}{})
}

// metadata is what the server says about itself (OpenID Connect Discovery §3).
type metadata struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
}

func (c *Client) discover(ctx context.Context) (*metadata, error) {
	if m := c.metadata.Load(); m != nil {
		return m, nil
	}
	if err := secure(c.Issuer); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.Issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.client().Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	m := &metadata{}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(m); err != nil || m.Issuer != c.Issuer {
		return nil, fmt.Errorf("latchkey: no metadata of %s (%d)", c.Issuer, answer.StatusCode)
	}
	if err := secure(m.Authorization, m.Token, m.Revocation); err != nil {
		return nil, err
	}
	c.metadata.Store(m)
	return m, nil
}

// secure refuses URLs that do not use TLS. Only this machine needs none.
func secure(addresses ...string) error {
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
			continue
		}
		if err != nil || u.Scheme != "https" {
			return fmt.Errorf("latchkey: %s is not https", address)
		}
	}
	return nil
}
