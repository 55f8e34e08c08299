package modelstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SmallDisk moves the data directory of the server to a file system of its own, in memory, that holds so many bytes, and restarts the
// server. It needs root. The file system goes with the test; it stays mounted when the process of the tests is killed.
func (c *Cluster) SmallDisk(t testing.TB, size int) error {
	if err := c.Stop("fast"); err != nil {
		return err
	}
	from, options := c.DataDir()+".disk", fmt.Sprintf("size=%d,uid=%d,gid=%d,mode=700", size, c.account.uid, c.account.gid)
	if err := errors.Join(os.Rename(c.DataDir(), from), os.Mkdir(c.DataDir(), 0o700)); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", c.DataDir(), "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount a file system: %w", err)
	}
	t.Cleanup(func() { // before the directory is removed
		if c.Alive() {
			_ = c.Stop("immediate")
		}
		if err := syscall.Unmount(c.DataDir(), syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", c.DataDir(), err)
		}
	})
	if _, err := c.Shell("cp -a " + from + "/. " + c.DataDir()); err != nil {
		return err
	}
	return c.Start()
}

// FillDisk writes a file until the disk of [Cluster.SmallDisk] is full, and returns what removes the file.
func (c *Cluster) FillDisk() (free func() error, err error) {
	path := filepath.Join(c.DataDir(), "filler")
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	for block := make([]byte, 1<<16); err == nil; {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return nil, errors.Join(err, file.Close())
	}
	return func() error { return os.Remove(path) }, file.Close()
}
