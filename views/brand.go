package views

import "latchkey/views/catalog"

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

// Accents are a mail's colour in both schemes, with that of text on it, written #rrggbb. The zero Accents are ours.
type Accents struct{ Light, OnLight, Dark, OnDark string }

var ourAccents = Accents{Light: "#0b655b", OnLight: "#ffffff", Dark: "#74d4c4", OnDark: "#06231e"}

func (m Mail) accents() Accents {
	if m.Accents == (Accents{}) {
		return ourAccents
	}
	return m.Accents
}
