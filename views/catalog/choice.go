package catalog

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Complete are the languages that people may choose: every message is translated, and a test holds that.
var Complete = []string{Source, "de", "fr", "es", "ja", "ar"}

// longestHeader is how many bytes of Accept-Language are read.
const longestHeader = 1000

// Choice is the languages that a server offers, the default first.
type Choice struct {
	tags    []string
	matcher language.Matcher
	brand   string
}

// NewChoice offers these languages, or all that are valid where none is given; the first is the default. Valid are the Complete ones,
// but in tests. The error of another one names those that are.
func NewChoice(tags, valid []string) (*Choice, error) {
	c := &Choice{}
	for _, tag := range tags {
		tag = strings.TrimSpace(tag)
		if !slices.Contains(valid, tag) {
			return nil, fmt.Errorf("%q is not one of %s", tag, strings.Join(valid, ", "))
		}
		if !slices.Contains(c.tags, tag) {
			c.tags = append(c.tags, tag)
		}
	}
	if len(c.tags) == 0 {
		c.tags = valid
	}
	var offered []language.Tag
	for _, tag := range c.tags {
		offered = append(offered, language.MustParse(tag))
	}
	c.matcher = language.NewMatcher(offered)
	return c, nil
}

// Named makes the printers speak of a service that its operator calls so (see [Printer.Named]).
func (c *Choice) Named(brand string) *Choice {
	named := *c
	named.brand = brand
	return &named
}

func (c *Choice) in(tag string) Printer {
	p, _ := In(tag)
	return p.Named(c.brand)
}

// Offered are the printers of the languages, the default first.
func (c *Choice) Offered() (list []Printer) {
	for _, tag := range c.tags {
		list = append(list, c.in(tag))
	}
	return list
}

// Tags are the offered languages, the default first.
func (c *Choice) Tags() []string { return c.tags }

// Has says that a language is offered.
func (c *Choice) Has(tag string) bool { return slices.Contains(c.tags, tag) }

// Pick is the first of the chosen languages that is offered, otherwise what fits the header Accept-Language best
// (RFC 9110 §12.5.4), otherwise the default.
func (c *Choice) Pick(acceptLanguage string, chosen ...string) Printer {
	for _, tag := range chosen {
		if c.Has(tag) {
			return c.in(tag)
		}
	}
	i := 0
	if len(acceptLanguage) <= longestHeader {
		_, i = language.MatchStrings(c.matcher, acceptLanguage)
	}
	return c.in(c.tags[i])
}
