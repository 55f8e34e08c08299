package modelstest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	dirPrefix = "latchkey-pg-"
	ownerFile = "owner"
)

// directory is where a cluster lives. A file in it names our process and is
// locked (flock) while we run. The kernel releases the lock however we end. A
// process id alone would not do, because another process can get the same one.
type directory struct {
	path  string
	owner *os.File
}

// newDirectory makes a directory that only the account can read, below a
// temporary directory that the account can reach. Before that it removes what
// killed runs left there.
func newDirectory(a account) (*directory, error) {
	base, err := baseDirectory(a)
	if err != nil {
		return nil, err
	}
	sweep(base)
	path, err := os.MkdirTemp(base, dirPrefix)
	if err != nil {
		return nil, err
	}
	d := &directory{path: path}
	if err := d.claim(); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	if err := a.own(path); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// claim locks the owner file before it writes to it: an empty one is a
// directory in the making, which sweep leaves alone.
func (d *directory) claim() (err error) {
	d.owner, err = os.OpenFile(filepath.Join(d.path, ownerFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(d.owner.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", d.owner.Name(), err)
	}
	_, err = fmt.Fprintln(d.owner, os.Getpid())
	return err
}

// remove deletes everything; the server must be down. May be called twice.
func (d *directory) remove() error {
	err := os.RemoveAll(d.path)
	if d.owner != nil {
		d.owner.Close()
	}
	return err
}

// baseDirectory is the system's temporary directory, unless TMPDIR is private to
// us and the server runs as another user, or too long for a socket's path (107 bytes).
func baseDirectory(a account) (string, error) {
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		base, err := filepath.EvalSymlinks(base)
		if err == nil && len(base) < 70 && (!a.other || traversable(base)) {
			return base, nil
		}
	}
	return "", errors.New("no temporary directory that the PostgreSQL server can reach")
}

// traversable says whether any user can pass through path and all its parents.
func traversable(path string) bool {
	for {
		info, err := os.Stat(path)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(path)
		if parent == path {
			return true
		}
		path = parent
	}
}

// sweep removes the directories of dead test processes. Their servers died with
// them; one that did not ends itself within a minute of losing its lock file
// (postmaster.c, RecheckDataDirLockFile). What cannot be removed stays.
func sweep(base string) {
	paths, _ := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	for _, path := range paths {
		if !abandoned(path) {
			continue
		}
		for tries := 0; os.RemoveAll(path) != nil && tries < 20; tries++ {
			time.Sleep(50 * time.Millisecond) // the server is just ending
		}
	}
}

// abandoned reports whether no process holds the directory's lock. One
// without an owner is in the making for an hour, then the remains of a kill.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	// The place is writable for all: follow no link, wait for no pipe.
	f, err := os.OpenFile(filepath.Join(path, ownerFile), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Since(info.ModTime()) > time.Hour
	}
	if err != nil {
		return false
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false
	}
	owner, err := f.Stat()
	return err == nil && (owner.Size() > 0 || time.Since(owner.ModTime()) > time.Hour)
}
