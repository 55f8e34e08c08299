package views

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/a-h/templ"

	"latchkey/views/catalog"
)

// say is how a template speaks: { say(ctx).DevicesTitle() }. The language comes with the context.
func say(ctx context.Context) catalog.Printer { return catalog.From(ctx) }

// element is what a tag of a message becomes: an element with these attributes, given as name, value pairs. An attribute whose value
// is empty stands without one.
func element(name string, attributes ...string) catalog.Tag {
	var open strings.Builder
	open.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		open.WriteString(" " + attributes[i])
		if value := attributes[i+1]; value != "" {
			open.WriteString(`="` + templ.EscapeString(value) + `"`)
		}
	}
	open.WriteString(">")
	return func(inside templ.Component) templ.Component {
		return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			if _, err := io.WriteString(w, open.String()); err != nil {
				return fmt.Errorf("write a tag: %w", err)
			}
			if err := inside.Render(ctx, w); err != nil {
				return err
			}
			_, err := io.WriteString(w, "</"+name+">")
			return err
		})
	}
}

// link makes a link of a part of a message. It leads nowhere but where a page's own link may.
func link(href string, attributes ...string) catalog.Tag {
	return element("a", append([]string{"href", string(templ.URL(href))}, attributes...)...)
}

// hidden is for screen readers alone.
func hidden() catalog.Tag { return element("span", "class", "sr-only") }

func strong() catalog.Tag { return element("strong") }
