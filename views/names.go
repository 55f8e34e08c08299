package views

import (
	"context"
	"fmt"
	"io"

	"github.com/a-h/templ"

	"latchkey/views/catalog"
)

// name shows what a person called a device. It stands isolated, so that writing that runs the other way, or marks that turn
// it, stay inside, and it is never invisible.
func name(s string) templ.Component { return said("%s", []string{s}) }

// said is a sentence with names in the places of its %s, without a space that the sentence does not have.
func said(text string, names []string) templ.Component {
	return catalog.Sentence{Text: text, Names: names}
}

// foreign shows a text that is not ours: a browser's word for itself, an app's id. It stands isolated.
func foreign(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, catalog.Isolated(s)); err != nil {
			return fmt.Errorf("write a text: %w", err)
		}
		return nil
	})
}
