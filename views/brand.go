package views

import (
	"fmt"

	"latchkey/views/catalog"
)

// brandLink leads to something that the operator tells about the service.
type brandLink struct{ text, url string }

func (b Brand) links(say catalog.Printer) (list []brandLink) {
	for _, l := range []brandLink{
		{say.LayoutHelp(), b.Support}, {say.LayoutTerms(), b.Terms}, {say.LayoutPrivacy(), b.Privacy}, {say.LayoutImprint(), b.Imprint},
	} {
		if l.url != "" {
			list = append(list, l)
		}
	}
	return list
}

// Accents are the operator's colour in mails, in both schemes, with that of text on it, written #rrggbb. The zero Accents are ours.
type Accents struct{ Light, OnLight, Dark, OnDark string }

// style follows the mail's own.
func (a Accents) style() string {
	if a == (Accents{}) {
		return ""
	}
	rules := func(accent, on string) string {
		return fmt.Sprintf(".brand, a { color: %s; } .button:not(.button-alarm) { background: %s; color: %s; }", accent, accent, on)
	}
	return "<style>" + rules(a.Light, a.OnLight) + " @media (prefers-color-scheme: dark) { " + rules(a.Dark, a.OnDark) + " }</style>"
}
