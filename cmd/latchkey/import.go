package main

import (
	"bufio"
	"bytes"
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
		if err != nil {
			return fmt.Errorf("%w; the lines before %d are done: run the command again after the cause is gone", err, run.first)
		}
		if run.refused > 0 {
			return fmt.Errorf("%s refused", counted(run.refused, "line"))
		}
		return nil
	})
}

// importRun is the import of one file.
type importRun struct {
	env     *environment
	service *transfer.Service
	options transfer.Options

	batch []transfer.Record
	lines []int // of the batch
	first int   // the first line that is not done

	created, present, refused, weak int
}

func (r *importRun) read(file io.Reader) error {
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		record, err := transfer.ParseRecord(line)
		if err != nil {
			r.refuse(n, err.Error())
			continue
		}
		r.batch, r.lines = append(r.batch, record), append(r.lines, n)
		if len(r.batch) == importBatch {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	if err := r.flush(); err != nil {
		return err
	}
	return lines.Err()
}

// flush imports the batch.
func (r *importRun) flush() error {
	if len(r.batch) == 0 {
		return nil
	}
	r.first = r.lines[0]
	if err := r.env.ctx.Err(); err != nil {
		return err
	}
	results, err := r.service.Import(r.env.ctx, r.batch, r.options)
	if err != nil {
		return err
	}
	for i, result := range results {
		switch result.Outcome {
		case transfer.Created:
			r.created++
		case transfer.Present:
			r.present++
		case transfer.Refused:
			r.refuse(r.lines[i], result.Reason)
		}
		if result.Weak != "" {
			r.weak++
		}
	}
	r.first = r.lines[len(r.lines)-1] + 1
	r.batch, r.lines = r.batch[:0], r.lines[:0]
	return nil
}

// refuse says why a line was refused. It never shows what the line holds.
func (r *importRun) refuse(line int, reason string) {
	r.refused++
	fmt.Fprintf(r.env.stderr, "line %d: %s\n", line, reason)
}

// summary says what became of the lines. until is when weak hashes of this import are dropped.
func (r *importRun) summary(until time.Time) string {
	made, refused := "Created", "refused"
	if r.options.DryRun != nil {
		made, refused = "Would create", "would be refused"
	}
	text := fmt.Sprintf("%s %s. %d were there already and did not change. %s %s.\n",
		made, counted(r.created, "account"), r.present, counted(r.refused, "line"), refused)
	if r.weak > 0 {
		text += fmt.Sprintf("%s weak. Each works until its owner signs in, or until %s at the latest; then its owner must reset the password.\n",
			hashesAre(r.weak), until.UTC().Format(time.DateOnly))
	}
	return text
}

func hashesAre(n int) string {
	if n == 1 {
		return "1 password hash is"
	}
	return fmt.Sprintf("%d password hashes are", n)
}
