package incident

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

var start = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *time.Time {
	t := start.Add(d)
	return &t
}

func networks(list ...string) (prefixes []netip.Prefix) {
	for _, text := range list {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

func TestAFilterSelects(t *testing.T) {
	phone := models.Device{Kind: models.KindApp, ClientID: "mobile", CreatedAt: start.Add(-time.Hour), CreatedIP: "203.0.113.9", ExpiresAt: start.Add(time.Hour)}
	for name, c := range map[string]struct {
		filter models.IncidentFilter
		change func(*models.Device)
		want   bool
	}{
		"its client":                           {models.IncidentFilter{Clients: []string{"web", "mobile"}}, nil, true},
		"another client":                       {models.IncidentFilter{Clients: []string{"mobil"}}, nil, false},
		"a browser, which has no client":       {models.IncidentFilter{Clients: []string{"mobile"}}, func(d *models.Device) { d.Kind = models.KindBrowser }, false},
		"a browser, by the time":               {models.IncidentFilter{From: at(-time.Hour)}, func(d *models.Device) { d.Kind, d.ClientID = models.KindBrowser, "" }, true},
		"from its very moment":                 {models.IncidentFilter{From: at(-time.Hour)}, nil, true},
		"from a moment later":                  {models.IncidentFilter{From: at(-time.Hour + time.Microsecond)}, nil, false},
		"to its very moment":                   {models.IncidentFilter{To: at(-time.Hour)}, nil, false},
		"to a moment later":                    {models.IncidentFilter{To: at(-time.Hour + time.Microsecond)}, nil, true},
		"its network":                          {models.IncidentFilter{Networks: networks("192.0.2.0/24", "203.0.113.0/24")}, nil, true},
		"another network":                      {models.IncidentFilter{Networks: networks("203.0.113.128/25")}, nil, false},
		"an address of IPv4 in IPv6":           {models.IncidentFilter{Networks: networks("203.0.113.0/24")}, func(d *models.Device) { d.CreatedIP = "::ffff:203.0.113.9" }, true},
		"a network of IPv4 in IPv6":            {models.IncidentFilter{Networks: networks("::ffff:203.0.113.0/120")}, nil, true},
		"IPv6":                                 {models.IncidentFilter{Networks: networks("2001:db8::/32")}, func(d *models.Device) { d.CreatedIP = "2001:db8:1::2" }, true},
		"every IPv6 network, and one of IPv4":  {models.IncidentFilter{Networks: networks("::/0")}, nil, false},
		"no known address":                     {models.IncidentFilter{Networks: networks("0.0.0.0/0", "::/0")}, func(d *models.Device) { d.CreatedIP = "" }, false},
		"not bound":                            {models.IncidentFilter{Unbound: true}, nil, true},
		"bound":                                {models.IncidentFilter{Unbound: true}, func(d *models.Device) { d.JKT = "key" }, false},
		"its client, and another network":      {models.IncidentFilter{Clients: []string{"mobile"}, Networks: networks("192.0.2.0/24")}, nil, false},
		"signed out before":                    {models.IncidentFilter{Unbound: true}, func(d *models.Device) { d.RevokedAt = &start }, false},
		"expired":                              {models.IncidentFilter{Unbound: true}, func(d *models.Device) { d.ExpiresAt = start }, false},
		"unseen for a year":                    {models.IncidentFilter{Unbound: true}, func(d *models.Device) { d.LastSeenAt = start.AddDate(-1, 0, 0) }, true},
		"signed in at the start":               {models.IncidentFilter{Unbound: true}, func(d *models.Device) { d.CreatedAt = start }, true},
		"signed in after the start":            {models.IncidentFilter{Unbound: true}, func(d *models.Device) { d.CreatedAt = start.Add(time.Microsecond) }, false},
		"signed in after the start, and to is": {models.IncidentFilter{To: at(time.Hour)}, func(d *models.Device) { d.CreatedAt = start.Add(time.Microsecond) }, false},
	} {
		f, err := check(c.filter, start.Add(2*time.Hour))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d := phone
		if c.change != nil {
			c.change(&d)
		}
		if got := selects(f, d, start, start); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAFilterThatSelectsNothingOrEverythingIsRefused(t *testing.T) {
	for field, f := range map[string]models.IncidentFilter{
		"the filter":     {},
		"--client":       {Clients: []string{"mobile", ""}},
		"--created-from": {From: at(time.Microsecond)},
		"--created-to":   {From: at(-time.Hour), To: at(-time.Hour)},
		"--network":      {Networks: []netip.Prefix{{}}},
	} {
		_, err := check(f, start)
		if refusal := auth.AsError(err); refusal.Kind != auth.KindInvalidRequest || len(refusal.Fields) != 1 || refusal.Fields[0].Field != field {
			t.Errorf("%s: %+v", field, refusal)
		}
	}
}

func TestEqualFiltersAreEqualHoweverTheyAreWritten(t *testing.T) {
	zone := start.In(time.FixedZone("CET", 3600))
	a := models.IncidentFilter{Clients: []string{"b", "a"}, From: at(0), Networks: networks("192.0.2.77/24", "2001:db8::/32", "::ffff:198.51.100.0/120")}
	b := models.IncidentFilter{Clients: []string{"a", "b", "a"}, From: &zone, Networks: networks("198.51.100.0/24", "2001:db8::1/32", "192.0.2.0/24")}
	if !equal(a, b) {
		t.Errorf("%s\n%s", canonicalJSON(a), canonicalJSON(b))
	}
	for name, wider := range map[string]func(*models.IncidentFilter){
		"another client": func(f *models.IncidentFilter) { f.Clients = append(f.Clients, "c") }, "no client": func(f *models.IncidentFilter) { f.Clients = nil },
		"earlier": func(f *models.IncidentFilter) { f.From = at(-time.Microsecond) }, "a wider network": func(f *models.IncidentFilter) { f.Networks = networks("192.0.2.0/23") },
		"bound as well": func(f *models.IncidentFilter) { f.Unbound = !f.Unbound }, "until": func(f *models.IncidentFilter) { f.To = at(time.Hour) },
	} {
		f := a
		if wider(&f); equal(a, f) {
			t.Errorf("%s: %s", name, canonicalJSON(f))
		}
	}
	if said := Describe(canonical(a)); !strings.Contains(said, "a or b") || !strings.Contains(said, "192.0.2.0/24") || !strings.Contains(said, "2026-11-28T12:00:00Z") {
		t.Error(said)
	}
}

func TestTheNextBatchTakesAboutAsLongAsItShould(t *testing.T) {
	for name, c := range map[string]struct {
		limit, size int
		took        time.Duration
		want        int
	}{
		"quick":               {100, 100, batchTime / 4, 151},
		"quick, for it ended": {100, 3, batchTime / 4, 100},
		"as it should":        {100, 100, batchTime, 100},
		"twice as long":       {100, 100, 2 * batchTime, 50},
		"very long":           {100, 100, 100 * batchTime, leastBatch},
		"long for few":        {400, 20, 2 * batchTime, 10},
		"never more":          {mostBatch, mostBatch, 0, mostBatch},
	} {
		if got := nextLimit(c.limit, c.size, c.took); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
