package views

import (
	"slices"

	"latchkey/views/catalog"
)

// CopiedSignIn tells how a copied sign-in was used.
type CopiedSignIn struct {
	Uses         []TokenUse
	SignedInFrom string // where the device signed in, if no use came from there; may be empty
	SignedInAt   Place  // of SignedInFrom
	Apart        bool   // the uses came from different networks
}

// TokenUse is one use of a copied sign-in.
type TokenUse struct {
	Address  string // empty: unknown
	Program  string // "Firefox on Linux"; empty: unknown
	SignedIn bool   // the device signed in from there
	Place    Place
}

// CopiedText is a sentence about a copied sign-in on a device. c is nil where its uses are unknown.
func CopiedText(p catalog.Printer, c *CopiedSignIn, device string) catalog.Sentence {
	if c != nil && c.Apart {
		return p.CopiedTheftApart(device)
	}
	return p.CopiedTheft(device)
}

// facts are the lines of a mail that say from where the sign-in was used.
func (c *CopiedSignIn) facts(p catalog.Printer) (list []Fact) {
	for i, u := range c.shown() {
		label := p.MailFactUsedFrom()
		switch {
		case u.twice:
			label = p.MailFactUsedTwice()
		case i > 0:
			label = p.MailFactAlsoUsedFrom()
		}
		u.Address = placed(p, u.Address, u.Place)
		list = append(list, Fact{label, u.say(useWords(p)).String()})
	}
	if c != nil && c.SignedInFrom != "" {
		list = append(list, Fact{p.MailFactSignedInFrom(), placed(p, c.SignedInFrom, c.SignedInAt)})
	}
	return list
}

// toldUse is a sentence about a use, and where its address is.
type toldUse struct {
	catalog.Sentence
	place Place
}

// sentences say on a page from where the sign-in was used.
func (c *CopiedSignIn) sentences(p catalog.Printer) (list []toldUse) {
	for _, u := range c.shown() {
		words := usedFromWords(p)
		if u.twice {
			words = usedTwiceWords(p)
		}
		list = append(list, toldUse{u.say(words), u.Place})
	}
	if c != nil && c.SignedInFrom != "" {
		list = append(list, toldUse{p.CopiedSignedInFrom(c.SignedInFrom), c.SignedInAt})
	}
	return list
}

// shownUse is a use with how it is told.
type shownUse struct {
	TokenUse
	program bool // that its program is unknown is told, because only programs tell the uses apart
	twice   bool // it stands for two that look alike
}

// shown are the uses that have a line each. Two that look alike share one.
func (c *CopiedSignIn) shown() (list []shownUse) {
	if c == nil {
		return nil
	}
	if len(c.Uses) > 1 && !slices.ContainsFunc(c.Uses, func(u TokenUse) bool { return u != c.Uses[0] }) {
		return []shownUse{{c.Uses[0], false, true}}
	}
	for _, u := range c.Uses {
		list = append(list, shownUse{u, c.sameSignIn(), false})
	}
	return list
}

// sameSignIn reports whether all uses came from where the device signed in, so that only their programs tell them apart.
func (c *CopiedSignIn) sameSignIn() bool {
	return !slices.ContainsFunc(c.Uses, func(u TokenUse) bool { return !u.SignedIn || u.Address != c.Uses[0].Address })
}

// words are what can be said of a use, by what is known of it.
type words struct {
	signedIn, signedInUnknown func(address string) catalog.Sentence
	signedInProgram           func(address, program string) catalog.Sentence
	program                   func(address, program string) catalog.Sentence
	unknown                   func(address string) catalog.Sentence
	unknownAddress            func(program string) catalog.Sentence
	unknownBoth               func() string
}

func useWords(p catalog.Printer) words {
	return words{
		p.CopiedUseSignedIn, p.CopiedUseSignedInUnknown, p.CopiedUseSignedInProgram, p.CopiedUseProgram, p.CopiedUseUnknown,
		p.CopiedUseUnknownAddress, p.CopiedUseUnknownBoth,
	}
}

func usedFromWords(p catalog.Printer) words {
	return words{
		p.CopiedFromSignedIn, p.CopiedFromSignedInUnknown, p.CopiedFromSignedInProgram, p.CopiedFromProgram, p.CopiedFromUnknown,
		p.CopiedFromUnknownAddress, p.CopiedFromUnknownBoth,
	}
}

// usedTwiceWords lack the one that tells two uses apart.
func usedTwiceWords(p catalog.Printer) words {
	return words{
		p.CopiedTwiceSignedIn, p.CopiedTwiceSignedIn, p.CopiedTwiceSignedInProgram, p.CopiedTwiceProgram, p.CopiedTwiceUnknown,
		p.CopiedTwiceUnknownAddress, p.CopiedTwiceUnknownBoth,
	}
}

// say is a use's place and program. A program that is not known is only told of a place that is not the sign-in's, or where it
// tells two uses apart.
func (u shownUse) say(w words) catalog.Sentence {
	switch known := u.Program != ""; {
	case u.Address == "" && known:
		return w.unknownAddress(u.Program)
	case u.Address == "":
		return catalog.Sentence{Text: w.unknownBoth()}
	case u.SignedIn && known:
		return w.signedInProgram(u.Address, u.Program)
	case u.SignedIn && u.program:
		return w.signedInUnknown(u.Address)
	case u.SignedIn:
		return w.signedIn(u.Address)
	case known:
		return w.program(u.Address, u.Program)
	}
	return w.unknown(u.Address)
}

// byTheft are the alerts of copied sign-ins, and the others, each as they come.
func byTheft(alerts []Alert) (thefts, others []Alert) {
	for _, a := range alerts {
		if a.Theft {
			thefts = append(thefts, a)
		} else {
			others = append(others, a)
		}
	}
	return thefts, others
}
