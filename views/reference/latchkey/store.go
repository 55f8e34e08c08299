//go:build unix

package latchkey

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// kept is what File holds. The key may as well be in a keystore or a TPM, where no one can copy it: then let prove ask that to sign.
type kept struct {
	Issuer    string    `json:"iss"`
	ClientID  string    `json:"client_id"`
	Key       []byte    `json:"key"` // PKCS #8
	Subject   string    `json:"sub"`
	Refresh   string    `json:"refresh"`
	Access    string    `json:"access"`
	RefreshAt time.Time `json:"refresh_at"`
	Expires   time.Time `json:"expires"`
}

// load reads File. Without a file nothing is kept. What is another server's or another client's does not count, so that no token goes astray.
func (c *Client) load() (k kept, err error) {
	text, err := os.ReadFile(c.File)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err != nil || k.Issuer != c.Issuer || k.ClientID != c.ClientID {
		return kept{}, err
	}
	return k, nil
}

// save replaces File in one step, so that a crash leaves the old file or the new one. It needs the lock.
func (c *Client) save(k kept) error {
	k.Issuer, k.ClientID = c.Issuer, c.ClientID
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	name := c.File + ".new"
	_ = os.Remove(name) // a process that died here has left it
	defer func() { _ = os.Remove(name) }()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name, c.File); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(c.File)) // or a power cut brings the old file back, whose token has been revoked by then
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// locked runs fn with what File holds, while no other goroutine and no other process holds the lock. When a process dies, its lock is free.
func (c *Client) locked(ctx context.Context, fn func(k kept) error) error {
	f, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	k, err := c.load() // under the lock: another process may have refreshed a moment ago
	if err != nil {
		return err
	}
	return fn(k)
}

func (c *Client) lock(ctx context.Context) (*os.File, error) {
	name := c.File + ".lock"
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && isThere(f, name) {
			return f, nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// isThere reports whether a name is still that of an open file. A cleaner may have deleted it: then others lock another file.
func isThere(f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(name)
	return err == nil && os.SameFile(mine, now)
}
