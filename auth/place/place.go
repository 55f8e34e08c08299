// Package place tells where an IP address is, roughly, from a file that the operator brings: a database of cities or countries in
// the MaxMind DB format (https://maxmind.github.io/MaxMind-DB/), such as GeoLite2-City or DB-IP. Nothing is looked up over the network.
package place

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Place is roughly where an address is, in words of other people. It is empty if that is not known.
type Place struct {
	City    string // empty: not known, or not surely enough
	Country string // empty: nothing is known
}

// Database is an open file. A nil Database knows no place. It is safe for concurrent use.
type Database struct{ reader *maxminddb.Reader }

// record is what is read of an address's entry.
type record struct {
	City struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Country struct {
		Names names  `maxminddb:"names"`
		Code  string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Location struct {
		Radius uint16 `maxminddb:"accuracy_radius"` // in km; 0: not stated
	} `maxminddb:"location"`
}

const (
	// surest is the largest radius in kilometres within which an address is near a city.
	surest = 100
	// checked is how many of a file's networks Open reads: enough to know a file of another kind, and little of a file with millions.
	checked = 20_000
	// longest is how many characters of a name are shown.
	longest = 100
)

// Open opens a file for as long as the program runs. The error says what is wrong with it.
func Open(file string) (*Database, error) {
	reader, err := maxminddb.Open(file)
	if err != nil {
		var missing *os.PathError
		if errors.As(err, &missing) {
			return nil, fmt.Errorf("open place database: %w", err)
		}
		return nil, fmt.Errorf("%s is not a database in the MaxMind DB format, or is damaged: %w", file, err)
	}
	d := &Database{reader: reader}
	if err := d.check(); err != nil {
		_ = reader.Close()
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return d, nil
}

// check refuses databases of other things than cities or countries, and damaged ones.
func (d *Database) check() (err error) {
	kind := d.reader.Metadata.DatabaseType
	if !slices.ContainsFunc([]string{"City", "Country", "Enterprise", "Location"}, func(s string) bool { return strings.Contains(kind, s) }) {
		return fmt.Errorf("is a database %q: give one of cities or countries", kind)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer unreadable(&err)
	places, n := 0, 0
	for result := range d.reader.Networks() {
		var r record
		var all any // also what is not shown
		if err := errors.Join(result.Decode(&r), result.Decode(&all)); err != nil {
			return fmt.Errorf("is damaged: %w", err)
		}
		if r.Country.Code != "" || len(r.Country.Names) > 0 {
			places++
		}
		if n++; n == checked {
			break
		}
	}
	if places == 0 {
		return fmt.Errorf("names no country: it has the type %q, but not its contents", kind)
	}
	return nil
}

// unreadable turns a panic into an error. The file is mapped into memory: while it is overwritten in place, instead of being replaced,
// reading past its end is a fault, which would end the program without debug.SetPanicOnFault.
func unreadable(err *error) {
	if recover() != nil {
		*err = errors.New("cannot be read")
	}
}

// Find tells where an address is, in a language as far as the file or CLDR has it, and else in English. Private and unknown addresses
// are nowhere.
func (d *Database) Find(address string, in language.Tag) (p Place) {
	ip, ok := public(address)
	if d == nil || !ok {
		return Place{}
	}
	r, err := d.record(ip)
	if err != nil {
		return Place{}
	}
	p.Country = shown(r.Country.Names.in(in))
	if p.Country == "" {
		p.Country = country(r.Country.Code, in)
	}
	if p.Country == "" {
		p.Country = shown(r.Country.Names["en"])
	}
	if p.Country != "" && r.Location.Radius <= surest {
		p.City = shown(r.City.Names.in(in))
		if p.City == "" {
			p.City = shown(r.City.Names["en"])
		}
	}
	return p
}

func (d *Database) record(ip netip.Addr) (r record, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer unreadable(&err)
	return r, d.reader.Lookup(ip).Decode(&r)
}

// translator holds an IPv6 address for each IPv4 address (RFC 6052 §2.1), carriers the addresses between providers and their
// subscribers (RFC 6598).
var translator, carriers = netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("100.64.0.0/10")

// public parses an address that can be somewhere.
func public(address string) (ip netip.Addr, ok bool) {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ip, false
	}
	ip = ip.WithZone("").Unmap()
	if translator.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip, ip.IsGlobalUnicast() && !ip.IsPrivate() && !carriers.Contains(ip)
}

// names are those of a place by the tags of their languages.
type names map[string]string

// in is the name in a language, or in a variant of it where the file has no other ("pt-BR").
func (n names) in(tag language.Tag) string {
	if name := n[tag.String()]; name != "" {
		return name
	}
	base, _ := tag.Base()
	if name := n[base.String()]; name != "" {
		return name
	}
	script, _ := tag.Script()
	for _, key := range []string{"pt-BR", "zh-CN"} {
		of := language.Make(key)
		variant, _ := of.Base()
		written, _ := of.Script()
		if variant == base && written == script {
			return n[key]
		}
	}
	return ""
}

// country is the name of a country by CLDR, or "".
func country(code string, in language.Tag) string {
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() {
		return ""
	}
	namer := display.Regions(in)
	if namer == nil {
		return ""
	}
	return namer.Name(region)
}

// shown is a name without what would break a line, and not longer than a line.
func shown(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if utf8.RuneCountInString(name) > longest {
		name = string([]rune(name)[:longest-1]) + "…"
	}
	return strings.ToValidUTF8(name, "")
}
