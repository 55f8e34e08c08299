package views

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/a-h/templ"

	"latchkey/views/catalog"
)

// name shows what a person called a device. It stands isolated, so that writing that runs the other way, or marks that turn
// it, stay inside, and it is never invisible.
func name(s string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return said("%s", []string{say(ctx).Program(s)}).Render(ctx, w)
	})
}

// said is a sentence with names in the places of its %s, without a space that the sentence does not have.
func said(text string, names []string) templ.Component {
	return catalog.Sentence{Text: text, Names: names}
}

// saidWithLink is said with a link around a name in the sentence.
func saidWithLink(text string, names []string, name, href string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		var b strings.Builder
		if err := said(text, names).Render(ctx, &b); err != nil {
			return err
		}
		shown := catalog.Isolated(say(ctx).Visible(say(ctx).Program(name)))
		before, after, found := strings.Cut(b.String(), shown)
		if !found {
			shown = ""
		}
		open := `<a href="` + templ.EscapeString(string(templ.URL(href))) + `">`
		if _, err := io.WriteString(w, before+open+shown+"</a>"+after); err != nil {
			return fmt.Errorf("write a sentence: %w", err)
		}
		return nil
	})
}

// ipAddress is an address that a narrow column breaks between its groups only (RFC 4291, section 2.2).
func ipAddress(a string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		groups := strings.SplitAfter(templ.EscapeString(a), ":")
		if _, err := io.WriteString(w, "<bdi>"+strings.Join(groups, "<wbr>")+"</bdi>"); err != nil {
			return fmt.Errorf("write an address: %w", err)
		}
		return nil
	})
}

// foreign shows a text that is not ours: a browser's word for itself, an app's id. It stands isolated.
func foreign(s string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, catalog.Isolated(say(ctx).Program(s))); err != nil {
			return fmt.Errorf("write a text: %w", err)
		}
		return nil
	})
}
