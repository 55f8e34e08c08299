package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files writes each mail into a file of a folder, for development: nothing leaves the machine.
type Files struct {
	Folder string // made at the first mail, 0700
	From   *mail.Address
}

// Send writes one mail as FOLDER/ID.eml, readable for this user only. The same mail again replaces its file.
func (f Files) Send(_ context.Context, m Message) error {
	msg, err := compose(f.From, m)
	if err != nil {
		return err
	}
	if m.ID == "" || strings.ContainsAny(m.ID, `/\.`) {
		return fmt.Errorf("%w: the id is no file name", ErrRefused)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := os.MkdirAll(f.Folder, 0o700); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	path := filepath.Join(f.Folder, m.ID+".eml")
	if err := os.WriteFile(path+".part", b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// Names lists the mails in the folder, newest first: their ids sort by age. A folder that is not there is empty.
func (f Files) Names() ([]string, error) {
	entries, err := os.ReadDir(f.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("mail: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".eml"); ok {
			names = append(names, name)
		}
	}
	slices.Reverse(names)
	return names, nil
}

// Read reads one of the mails again, by its name.
func (f Files) Read(name string) (Message, error) {
	if name == "" || strings.ContainsAny(name, `/\.`) {
		return Message{}, fmt.Errorf("mail: %w", fs.ErrNotExist)
	}
	data, err := os.ReadFile(filepath.Join(f.Folder, name+".eml"))
	if err != nil {
		return Message{}, fmt.Errorf("mail: %w", err)
	}
	return Parse(data)
}
