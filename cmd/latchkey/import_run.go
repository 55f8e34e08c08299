package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"latchkey/auth/transfer"
)

// badLine is a line that was refused, and why. The reason never shows what the line holds.
type badLine struct {
	line   int
	reason string
}

// importRun is the import of one file.
type importRun struct {
	env     *environment
	service *transfer.Service
	options transfer.Options

	batch []transfer.Record
	lines []int // of the batch
	first int   // the first line that is not done
	bad   []badLine

	created, present, refused, weak int
}

func (r *importRun) read(file io.Reader) error {
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 1
	for ; lines.Scan(); n++ {
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		record, err := transfer.ParseRecord(line)
		if err != nil {
			r.bad = append(r.bad, badLine{n, err.Error()})
		} else {
			r.batch, r.lines = append(r.batch, record), append(r.lines, n)
		}
		if len(r.batch)+len(r.bad) == importBatch {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	if err := r.flush(); err != nil {
		return err
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than 1 MiB: is this a file with one JSON object a line?", n)
	} else if err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return nil
}

// flush imports the batch and tells what was refused since the last one, in the order of the lines.
func (r *importRun) flush() error {
	if len(r.batch) > 0 {
		if err := r.importBatch(); err != nil {
			return err
		}
	}
	slices.SortFunc(r.bad, func(a, b badLine) int { return a.line - b.line })
	for _, b := range r.bad {
		fmt.Fprintf(r.env.stderr, "line %d: %s\n", b.line, b.reason)
	}
	r.refused += len(r.bad)
	r.bad = r.bad[:0]
	return nil
}

func (r *importRun) importBatch() error {
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
			r.bad = append(r.bad, badLine{r.lines[i], result.Reason})
		}
		if result.Weak != "" {
			r.weak++
		}
	}
	r.first = r.lines[len(r.lines)-1] + 1
	r.batch, r.lines = r.batch[:0], r.lines[:0]
	return nil
}

// summary says what became of the lines. until is when weak hashes of this import are dropped.
func (r *importRun) summary(until time.Time) string {
	made, were := "Created", "were"
	if r.options.DryRun != nil {
		made = "Would create"
	}
	if r.present == 1 {
		were = "was"
	}
	text := fmt.Sprintf("%s %s. %d %s there already and did not change. %s.\n", made, counted(r.created, "account"), r.present, were, r.refusals())
	if r.weak > 0 {
		text += fmt.Sprintf("%s weak. Each works until its owner signs in, or until %s at the latest; then its owner must reset the password.\n",
			hashesAre(r.weak), until.UTC().Format(time.DateOnly))
	}
	return text
}

// refusals says how many lines were refused.
func (r *importRun) refusals() string {
	if r.options.DryRun != nil {
		return counted(r.refused, "line") + " would be refused"
	}
	return counted(r.refused, "line") + " refused"
}

func hashesAre(n int) string {
	if n == 1 {
		return "1 password hash is"
	}
	return fmt.Sprintf("%d password hashes are", n)
}
