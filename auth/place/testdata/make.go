package main

import (
	"net"
	"os"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

type m = mmdbtype.Map

func names(kv ...string) m {
	out := m{}
	for i := 0; i < len(kv); i += 2 {
		out[mmdbtype.String(kv[i])] = mmdbtype.String(kv[i+1])
	}
	return m{"names": out}
}

func country(code string, kv ...string) m {
	c := names(kv...)
	c["iso_code"] = mmdbtype.String(code)
	return c
}

func radius(km uint16) m {
	return m{"accuracy_radius": mmdbtype.Uint16(km), "latitude": mmdbtype.Float64(53.5)}
}

func write(file, kind string, entries map[string]m) {
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, Description: map[string]string{"en": "Made up, for Latchkey's tests"}, IncludeReservedNetworks: true, BuildEpoch: 1790000000})
	if err != nil {
		panic(err)
	}
	for cidr, value := range entries {
		_, n, err := net.ParseCIDR(cidr)
		if err != nil {
			panic(err)
		}
		if err := w.Insert(n, value); err != nil {
			panic(err)
		}
	}
	f, err := os.Create(file)
	if err != nil {
		panic(err)
	}
	if _, err := w.WriteTo(f); err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
}

func main() {
	germany := country("DE", "en", "Germany", "de", "Deutschland", "fr", "Allemagne", "es", "Alemania", "ja", "ドイツ連邦共和国", "pt-BR", "Alemanha")
	write("city.mmdb", "GeoLite2-City", map[string]m{
		"203.0.113.0/25":   {"city": names("en", "Hamburg", "de", "Hamburg", "ja", "ハンブルク"), "country": germany, "location": radius(20)},
		"203.0.113.128/26": {"city": names("en", "Cologne", "de", "Köln"), "country": germany, "location": radius(500)},
		"203.0.113.192/27": {"city": names("en", "Ghost\nTown\u202e <b>", "de", ""), "country": country("", "en", "Nowhere & Sons"), "location": radius(1)},
		"203.0.113.224/27": {"registered_country": germany},
		"198.51.100.0/24":  {"city": names("en", "Munich", "de", "München"), "country": germany},
		"10.0.0.0/8":       {"city": names("en", "Inside"), "country": germany},
		"100.64.0.0/10":    {"city": names("en", "Inside"), "country": germany},
		"2001:db8::/32":    {"city": names("en", "Reykjavik", "de", "Reykjavík"), "country": country("IS", "en", "Iceland", "de", "Island"), "location": radius(5)},
	})
	write("country.mmdb", "DBIP-Country-Lite", map[string]m{"203.0.113.0/24": {"country": germany}, "2001:db8::/32": {"country": country("IS", "en", "Iceland")}})
	write("asn.mmdb", "GeoLite2-ASN", map[string]m{"203.0.113.0/24": {"autonomous_system_number": mmdbtype.Uint32(64496)}})
	write("hollow.mmdb", "GeoLite2-City", map[string]m{"203.0.113.0/24": {"autonomous_system_number": mmdbtype.Uint32(64496)}})
}
