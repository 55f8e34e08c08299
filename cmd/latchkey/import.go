package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"latchkey/auth/services"
	"latchkey/auth/transfer"
	"latchkey/models"
)

type importCommands struct {
	Users importUsers `cmd:"" help:"Create the accounts of a file with one JSON object a line."`
}

type importUsers struct {
	File       string `arg:"" help:"File with one JSON object a line; - is standard input."`
	DryRun     bool   `help:"Say what would become of each line, and change nothing."`
	AcceptWeak bool   `help:"Take weak password hashes, too. One that is not used within 90 days is dropped."`
}

const (
	importBatch = 250
	maxLine     = 1 << 20 // a longer line is of another kind of file
)

// Run imports the accounts. It fails when a line was refused.
func (c *importUsers) Run(env *environment) error {
	file := io.NopCloser(env.stdin)
	if c.File != "-" {
		opened, err := os.Open(c.File)
		if err != nil {
			return err
		}
		file = opened
	}
	defer func() { _ = file.Close() }()
	return env.withServices(func(s *services.Services) error {
		run := importRun{env: env, service: s.Transfers, options: transfer.Options{AcceptWeak: c.AcceptWeak}, first: 1}
		if c.DryRun {
			run.options.DryRun = &models.ImportSeen{}
		}
		err := run.read(file)
		fmt.Fprint(env.stdout, run.summary(time.Now().Add(transfer.WeakLife)))
		switch {
		case err != nil && !c.DryRun:
			return fmt.Errorf("%w; the lines before line %d are done: run the command again after the cause is gone", err, run.first)
		case err == nil && run.refused > 0:
			return errors.New(run.refusals())
		}
		return err
	})
}
