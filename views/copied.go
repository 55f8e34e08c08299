package views

import (
	"slices"
	"strings"
)

// CopiedSignIn tells how a copied sign-in was used.
type CopiedSignIn struct {
	Uses         []TokenUse
	SignedInFrom string // where the owner signed in, if no use came from there; may be empty
	Apart        bool   // the uses came from different networks
}

// TokenUse is one use of a copied sign-in.
type TokenUse struct {
	Address  string // empty: unknown
	Program  string // "Firefox on Linux"; empty: unknown
	SignedIn bool   // the owner signed in from there
}

// CopiedText is a sentence about a copied sign-in, with a %s for the device's name. c is nil where its uses are unknown.
func CopiedText(c *CopiedSignIn) string {
	if c != nil && c.Apart {
		return "A sign-in on “%s” was used in two places, so we signed it out."
	}
	return "A sign-in on “%s” may have been copied, so we signed it out."
}

// facts are the lines that say from where the sign-in was used. Two uses that look alike share a line.
func (c *CopiedSignIn) facts() (list []Fact) {
	if c == nil {
		return nil
	}
	alike := len(c.Uses) > 1 && !slices.ContainsFunc(c.Uses, func(u TokenUse) bool { return u != c.Uses[0] })
	for i, u := range c.Uses {
		switch {
		case !alike:
			list = append(list, Fact{"Used from", u.words(c.sameSignIn())})
		case i == 0:
			list = append(list, Fact{"Used twice from", u.words(false)})
		}
	}
	if c.SignedInFrom != "" {
		list = append(list, Fact{"You signed in from", c.SignedInFrom})
	}
	return list
}

// sameSignIn reports whether all uses came from where the owner signed in, so that only their programs tell them apart.
func (c *CopiedSignIn) sameSignIn() bool {
	return !slices.ContainsFunc(c.Uses, func(u TokenUse) bool { return !u.SignedIn || u.Address != c.Uses[0].Address })
}

// words are a use's place and program. A program that is not known is only told of a place that is not the sign-in's, or where it
// tells two uses apart.
func (u TokenUse) words(program bool) string {
	var b strings.Builder
	b.WriteString(u.Address)
	if u.Address == "" {
		b.WriteString("an unknown IP address")
	}
	if u.SignedIn {
		b.WriteString(" (where you signed in)")
	}
	switch {
	case u.Program != "":
		b.WriteString(", " + u.Program)
	case program || !u.SignedIn:
		b.WriteString(", an unknown program")
	}
	return b.String()
}

// theftsFirst puts the alerts that matter most first, each kind as it comes.
func theftsFirst(alerts []Alert) []Alert {
	thefts, others := []Alert{}, []Alert{}
	for _, a := range alerts {
		if a.Theft {
			thefts = append(thefts, a)
		} else {
			others = append(others, a)
		}
	}
	return append(thefts, others...)
}
