//go:build unix

// Package latchkey signs a program in at a Latchkey server through the browser (RFC 8252), and keeps it signed in. Copy these files into your
// program; they need the standard library alone. All goroutines and processes that share File share one sign-in.
package latchkey

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Client is one sign-in of one program. It is safe for concurrent use.
type Client struct {
	Issuer     string // the server, as the operator names it: https, or on this machine
	ClientID   string // registered with --redirect-uri http://127.0.0.1/callback
	Scope      string // besides openid, such as "email"; empty: none
	DeviceName string // that the page suggests; empty: the server makes one
	File       string // for the key and the tokens: mode 0600, and in no backup

	// Open opens the person's browser at an address, such as with xdg-open or open.
	Open func(address string) error
	// HTTP sends requests; it follows no redirect. Default: it waits 30 s for an answer.
	HTTP *http.Client
	// Patience is how long a refresh tries again before it returns *Later. Default 30 s.
	Patience time.Duration
	// Sleep waits between tries. Default: the real time.
	Sleep func(context.Context, time.Duration) error

	metadata atomic.Pointer[metadata]
	nonces   sync.Map // the newest of each server, by its origin (RFC 9449 §8.2)
}

// SignedOut means that the person must sign in: call SignIn.
type SignedOut struct {
	Reason string // of invalid_grant, such as "revoked"; empty: there is no sign-in
}

func (e *SignedOut) Error() string { return "latchkey: signed out " + e.Reason }

// Later means that the server could not be asked. The program is still signed in: call again, with the same tokens.
type Later struct {
	After time.Duration
	Cause error
}

func (e *Later) Error() string { return "latchkey: try again later: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *Later) Unwrap() error { return e.Cause }

// Do sends a request with the access token, to the server or to another one that takes its tokens. It refreshes when that is due or the answer
// demands it. When the answer demands a proof of who the person is (RFC 9470), it asks them in the browser. Then it repeats the
// request, so a body needs GetBody, as http.NewRequest makes it. Do returns *SignedOut, *Later, or an error of SignIn.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return nil, errors.New("latchkey: the body can be sent only once: set GetBody")
	}
	k, err := c.fresh(r.Context())
	if err != nil {
		return nil, err
	}
	answer, err := c.send(r, k, k.Access)
	if err == nil && challenge(answer, "error") == "invalid_token" {
		_ = answer.Body.Close()
		if k, err = c.refresh(r.Context(), k.Access, c.patience()); err != nil {
			return nil, err
		}
		answer, err = c.send(r, k, k.Access)
	}
	if err == nil && challenge(answer, "error") == "insufficient_user_authentication" {
		_ = answer.Body.Close()
		err := c.SignIn(r.Context(), Proof{ACR: challenge(answer, "acr_values"), MaxAge: challenge(answer, "max_age")})
		if err == nil {
			k, err = c.load()
		}
		if err != nil {
			return nil, err
		}
		return c.send(r, k, k.Access) // once: an account without a second factor cannot prove more
	}
	return answer, err
}

// fresh returns tokens that can be used. When a refresh is due and the server cannot be asked, the old ones do until they expire.
func (c *Client) fresh(ctx context.Context) (kept, error) {
	k, err := c.load()
	now := time.Now()
	switch {
	case err != nil:
		return k, err
	case k.Refresh == "":
		return k, &SignedOut{}
	case now.Before(k.RefreshAt):
		return k, nil
	case now.After(k.Expires):
		return c.refresh(ctx, k.Access, c.patience())
	}
	next, err := c.refresh(ctx, k.Access, 0)
	if later := (*Later)(nil); errors.As(err, &later) {
		return k, nil
	}
	return next, err
}

// refresh replaces the tokens, unless that has happened since used was read. One goroutine of one process does it, under the lock; the others
// read what it stored.
func (c *Client) refresh(ctx context.Context, used string, patience time.Duration) (k kept, err error) {
	err = c.locked(ctx, func(stored kept) error {
		if k = stored; k.Refresh == "" {
			return &SignedOut{}
		}
		if k.Access != used {
			return nil
		}
		t, err := c.token(ctx, k, patience, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {k.Refresh}})
		switch {
		case err != nil:
			return err
		case t.Error == "invalid_grant": // the only answer that ends a sign-in. The key goes, too: the next one makes another
			return errors.Join(&SignedOut{t.Reason}, c.save(kept{}))
		case t.Error != "":
			return fmt.Errorf("latchkey: the refresh was refused: %s", t.Error)
		}
		k = k.with(t)
		return c.save(k) // before anything uses the new tokens
	})
	return k, err
}

// tokens is a token answer, or its error.
type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshIn    int64  `json:"refresh_in"` // seconds: differs from answer to answer, so that not all programs come at once
	Error        string `json:"error"`
	Reason       string `json:"reason"` // of invalid_grant
}

func (k kept) with(t tokens) kept {
	now := time.Now()
	k.Access, k.Refresh = t.AccessToken, t.RefreshToken
	k.RefreshAt, k.Expires = now.Add(time.Duration(t.RefreshIn)*time.Second), now.Add(time.Duration(t.ExpiresIn)*time.Second)
	return k
}

// token asks the token endpoint. No answer, 408, 429 and 5xx mean that nothing was used up: the same request goes out again, after as long
// as Retry-After says and a random part of a second, then of two, four and so on: the part that grows lets a server recover that all programs
// come back to. It returns *Later when its patience ends.
func (c *Client) token(ctx context.Context, k kept, patience time.Duration, form url.Values) (t tokens, err error) {
	form.Set("client_id", c.ClientID)
	for wait := time.Second; ; wait = min(2*wait, 5*time.Minute) {
		status, header, err := c.postToken(ctx, k, form, &t)
		switch {
		case ctx.Err() != nil:
			return t, ctx.Err()
		case err == nil && t.Error+t.RefreshToken == "":
			err = errors.New("no answer of a token endpoint")
		case err == nil && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests && status < 500:
			return t, nil
		case err == nil:
			err = fmt.Errorf("the token endpoint answered %d %s", status, t.Error)
		}
		after := wait/2 + random(wait)
		if seconds, e := strconv.Atoi(header.Get("Retry-After")); e == nil && seconds > 0 {
			after = time.Duration(seconds)*time.Second + random(wait)
		}
		if patience -= after; patience < 0 {
			return t, &Later{after, err}
		}
		if err := c.sleep(ctx, after); err != nil {
			return t, err
		}
	}
}

func (c *Client) postToken(ctx context.Context, k kept, form url.Values, t *tokens) (status int, header http.Header, err error) {
	m, err := c.discover(ctx)
	if err != nil {
		return 0, nil, err
	}
	*t = tokens{}
	return c.post(ctx, k, m.Token, form, t)
}

func (c *Client) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return 30 * time.Second
}

// random is a random time below a bound, so that programs that were cut off together do not come back together.
func random(below time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(below)))
	if err != nil {
		return 0
	}
	return time.Duration(n.Int64())
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return pause(ctx, d)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
