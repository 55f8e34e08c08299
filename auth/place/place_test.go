package place

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

func open(t *testing.T, file string) *Database {
	t.Helper()
	d, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.reader.Close() })
	return d
}

func TestAnAddressIsNearItsCity(t *testing.T) {
	city, country := open(t, "testdata/city.mmdb"), open(t, "testdata/country.mmdb")
	for name, c := range map[string]struct {
		file              *Database
		address, language string
		want              Place
	}{
		"in English":                               {city, "203.0.113.7", "en", Place{"Hamburg", "Germany"}},
		"in the reader's language":                 {city, "203.0.113.7", "ja", Place{"ハンブルク", "ドイツ連邦共和国"}},
		"in a regional variant":                    {city, "203.0.113.7", "de-AT", Place{"Hamburg", "Deutschland"}},
		"in the only variant that the file has":    {city, "203.0.113.7", "pt", Place{"Hamburg", "Alemanha"}},
		"in a language that the file lacks":        {city, "203.0.113.7", "ar", Place{"Hamburg", "ألمانيا"}},
		"in a pseudo-language":                     {city, "203.0.113.7", "en-XA", Place{"Hamburg", "Germany"}},
		"a city that is not sure":                  {city, "203.0.113.130", "de", Place{"", "Deutschland"}},
		"a city without a stated radius":           {city, "198.51.100.1", "de", Place{"München", "Deutschland"}},
		"a name that would break a line":           {city, "203.0.113.200", "de", Place{"Ghost Town\u202e <b>", "Nowhere & Sons"}},
		"where the network is registered only":     {city, "203.0.113.230", "en", Place{}},
		"in no network of the file":                {city, "192.0.2.1", "en", Place{}},
		"IPv6":                                     {city, "2001:db8::7", "de", Place{"Reykjavík", "Island"}},
		"IPv4 as IPv6":                             {city, "::ffff:203.0.113.7", "en", Place{"Hamburg", "Germany"}},
		"IPv4 behind a translator":                 {city, "64:ff9b::203.0.113.7", "en", Place{"Hamburg", "Germany"}},
		"a private address, whatever stands there": {city, "10.1.2.3", "en", Place{}},
		"an address of a carrier's own":            {city, "100.64.1.1", "en", Place{}},
		"the machine itself":                       {city, "127.0.0.1", "en", Place{}},
		"unknown":                                  {city, "", "en", Place{}},
		"no address":                               {city, "example.org", "en", Place{}},
		"a database of countries":                  {country, "203.0.113.7", "fr", Place{"", "Allemagne"}},
		"a country in a language it lacks":         {country, "2001:db8::7", "de", Place{"", "Island"}},
		"without a file":                           {nil, "203.0.113.7", "en", Place{}},
	} {
		if got := c.file.Find(c.address, language.Make(c.language)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	whole, err := os.ReadFile("testdata/city.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	file := func(content []byte) string {
		name := filepath.Join(t.TempDir(), "x.mmdb")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	damaged := []byte(strings.ReplaceAll(string(whole), "\x45names", "\x65names"))
	for _, c := range []struct{ name, file, want string }{
		{"missing", "testdata/nothing.mmdb", "no such file"},
		{"a folder", "testdata", "testdata"},
		{"empty", file(nil), "not a database in the MaxMind DB format"},
		{"a text", file([]byte("203.0.113.0/24,Hamburg\n")), "not a database in the MaxMind DB format"},
		{"cut off", file(whole[:len(whole)/2]), "not a database in the MaxMind DB format"},
		{"damaged", file(damaged), "is damaged"},
		{"of networks' owners", "testdata/asn.mmdb", `"GeoLite2-ASN": give one of cities or countries`},
		{"without a country", "testdata/hollow.mmdb", "names no country"},
	} {
		if d, err := Open(c.file); err == nil || !strings.Contains(err.Error(), c.want) || d != nil {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// An operator copies a new file over the old one.
func TestAFileThatIsCutOffWhileItIsOpenEndsNothing(t *testing.T) {
	whole, err := os.ReadFile("testdata/city.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "city.mmdb")
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, name)
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	if got := d.Find("203.0.113.7", language.English); got != (Place{}) {
		t.Errorf("%q", got)
	}
}
