package catalog

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// Sentence is a sentence with other people's words in it: names of devices, addresses. It can be kept, and said later.
type Sentence struct {
	Text  string   // with %s in the places of the names
	Names []string // in the order of the text
}

// String is the sentence where nothing needs to be isolated.
func (s Sentence) String() string {
	var b strings.Builder
	for _, part := range parts(s.Text, s.Names) {
		b.WriteString(part)
	}
	return b.String()
}

// Render shows the sentence with its names isolated.
func (s Sentence) Render(ctx context.Context, w io.Writer) error {
	var b strings.Builder
	for i, part := range parts(s.Text, s.Names) {
		if i%2 == 0 {
			b.WriteString(templ.EscapeString(part))
		} else {
			b.WriteString(Isolated(From(ctx).Visible(part)))
		}
	}
	return write(w, b.String())
}

// parts cuts a sentence into what is ours and, at the odd places, names. A %s that no name stands for stays as it is.
func parts(text string, names []string) []string {
	cut := strings.SplitN(text, "%s", len(names)+1)
	list := cut[:1:1]
	for i, rest := range cut[1:] {
		list = append(list, names[i], rest)
	}
	return list
}

// Tag makes an element around a part of a message.
type Tag func(inside templ.Component) templ.Component

// rich is a message with tags or slots, and what they stand for.
type rich struct {
	printer Printer
	nodes   []node
	args    args
}

// Render writes the message: text escaped, other people's words isolated, tags and slots as the page made them.
func (r rich) Render(ctx context.Context, w io.Writer) error {
	for _, n := range r.nodes {
		var err error
		switch n.kind {
		case tag:
			inside := rich{r.printer, n.inside, r.args}
			if around, ok := r.args[n.value].(Tag); ok && around != nil {
				err = around(inside).Render(ctx, w)
			} else {
				err = inside.Render(ctx, w)
			}
		case slot:
			if c, ok := r.args[n.value].(templ.Component); ok && c != nil {
				err = c.Render(ctx, w)
			}
		case foreign, brand:
			err = write(w, Isolated(r.printer.Visible(r.printer.words(n, r.args))))
		default:
			err = write(w, templ.EscapeString(r.printer.words(n, r.args)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func write(w io.Writer, s string) error {
	if _, err := io.WriteString(w, s); err != nil {
		return fmt.Errorf("write a sentence: %w", err)
	}
	return nil
}
