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
	Key       []byte    `json:"key"` // PKCS #8
	Subject   string    `json:"sub"`
	Refresh   string    `json:"refresh"`
	Access    string    `json:"access"`
	RefreshAt time.Time `json:"refresh_at"`
	Expires   time.Time `json:"expires"`
}

// load reads File. Without a file nothing is kept.
func (c *Client) load() (k kept, err error) {
	text, err := os.ReadFile(c.File)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	return k, err
}

// save replaces File in one step, so that a crash leaves the old file or the new one.
func (c *Client) save(k kept) error {
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(c.File), filepath.Base(c.File)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.File)
}

// locked runs fn with what File holds, while no other goroutine and no other process holds the lock. When a process dies, its lock is free.
func (c *Client) locked(ctx context.Context, fn func(k kept) error) error {
	f, err := os.OpenFile(c.File+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	k, err := c.load() // under the lock: another process may have refreshed a moment ago
	if err != nil {
		return err
	}
	return fn(k)
}
