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

// Files writes each mail to a file in a folder, for development. No mail leaves the machine.
type Files struct {
	Folder  string // created for the first mail with mode 0700
	From    *mail.Address
	ReplyTo *mail.Address // nil: answers go to From
}

// Send writes a mail to FOLDER/ID.eml, readable for this user only. Sending the same mail again replaces the file.
func (f Files) Send(_ context.Context, m Message) error {
	msg, err := compose(f.From, f.ReplyTo, m)
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

// Names returns the names of the mails in the folder, newest first, because ids sort by age. A missing folder is empty.
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

// Read parses the mail with a name.
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
