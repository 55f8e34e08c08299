package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"latchkey/auth/services"
	"latchkey/auth/transfer"
)

type exportCommands struct {
	Users exportUsers `cmd:"" help:"Write the accounts into a new file, one JSON object a line."`
}

type exportUsers struct {
	File        string `arg:"" help:"New file. Only its owner can read it."`
	WithSecrets bool   `help:"Also write password hashes and the secrets of authenticator apps."`
}

// Run exports the accounts. After an error there is no file.
func (c *exportUsers) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		file, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; name a new file", c.File)
		}
		if err != nil {
			return err
		}
		n, err := c.write(env, s.Transfers, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return errors.Join(err, os.Remove(c.File))
		}
		fmt.Fprintf(env.stdout, "Exported %s.\n", counted(n, "account"))
		if c.WithSecrets {
			fmt.Fprintln(env.stdout, "The file holds secrets. A person who reads it can guess passwords and make codes of second factors. Delete it after the import.")
		}
		return nil
	})
}

func (c *exportUsers) write(env *environment, service *transfer.Service, file *os.File) (n int, err error) {
	buffer := bufio.NewWriter(file)
	lines := json.NewEncoder(buffer)
	lines.SetEscapeHTML(false)
	err = service.Export(env.ctx, c.WithSecrets, func(r transfer.Record) error {
		n++
		return lines.Encode(r)
	})
	if err != nil {
		return n, err
	}
	if err := buffer.Flush(); err != nil {
		return n, err
	}
	return n, file.Sync()
}
