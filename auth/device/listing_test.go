package device

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"latchkey/models"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// app and other are devices of a list.
func app(name, client string) models.NamedDevice {
	return models.NamedDevice{Device: models.Device{ID: uuid.New(), Kind: models.KindApp, Name: name, ClientID: client, LastIP: "192.0.2.7"}}
}

func other(name string) models.NamedDevice {
	return models.NamedDevice{Device: models.Device{ID: uuid.New(), Kind: models.KindBrowser, Name: name, UserAgent: firefox, LastIP: "2001:db8::1"}}
}

// said lists what is shown: "app total: name name".
func (o Listing) said() string {
	var groups []string
	for _, g := range o.Groups {
		var names []string
		for _, d := range g.Devices {
			names = append(names, d.Device.Name)
		}
		title := g.App
		if g.Browsers {
			title = "browsers"
		}
		groups = append(groups, fmt.Sprintf("%s %d: %s", title, g.Total, strings.Join(names, " ")))
	}
	return strings.Join(groups, ", ")
}

func TestDevicesAreGroupedByAppAndTheCurrentOneStandsApart(t *testing.T) {
	me, named := other("me"), app("tv", "notes-tv")
	named.ClientName = "Notes"
	live := []models.NamedDevice{app("a", "mail"), other("b"), app("c", "notes"), me, named, app("d", "mail"), other("e"), app("f", "")}
	o := List(live, me.Device.ID, View{})
	if got, want := o.said(), "mail 2: a d, notes 1: c, Notes 1: tv,  1: f, browsers 2: b e"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if o.Current == nil || o.Current.Device.ID != me.Device.ID || o.Others != 7 || o.Found != 7 || o.Shown != 7 || o.Pages != 0 {
		t.Errorf("%+v", o)
	}
	if o := List(live, uuid.New(), View{}); o.Current != nil || o.Others != 8 {
		t.Errorf("without the current one: %+v", o)
	}
}

func TestADeviceIsFoundByNameAppBrowserAndAddress(t *testing.T) {
	me, notes := other("me"), app("Pixel 9 \u200bvon Jörg", "notes-android")
	notes.ClientName = "Notes <for> Android"
	live := []models.NamedDevice{notes, app("Tablet 100%", "mail"), other("Library computer"), me}
	for query, want := range map[string]string{
		"":                        "Pixel 9 \u200bvon Jörg, Tablet 100%, Library computer",
		" \u200b ":                "Pixel 9 \u200bvon Jörg, Tablet 100%, Library computer",
		"pixel":                   "Pixel 9 \u200bvon Jörg",
		"JO\u0308RG 9":            "Pixel 9 \u200bvon Jörg",
		"<FOR>":                   "Pixel 9 \u200bvon Jörg",
		"notes-":                  "Pixel 9 \u200bvon Jörg",
		"firefox linux":           "Library computer",
		"2001:DB8":                "Library computer",
		"192.0.2.7":               "Pixel 9 \u200bvon Jörg, Tablet 100%",
		"%":                       "Tablet 100%",
		"mail android":            "",
		"me":                      "", // the current one is shown anyway
		"\xff\xfe":                "Pixel 9 \u200bvon Jörg, Tablet 100%, Library computer",
		strings.Repeat("ü", 9999): "",
	} {
		var names []string
		for _, g := range List(live, me.Device.ID, View{Query: query}).Groups {
			for _, d := range g.Devices {
				names = append(names, d.Device.Name)
			}
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%.20q: %q, want %q", query, got, want)
		}
	}
}

func TestAListIsBoundedHoweverManyDevicesThereAre(t *testing.T) {
	me := other("me")
	live := []models.NamedDevice{me}
	for i := range 1000 {
		live = append(live, app(fmt.Sprint(i), []string{"notes", "mail", "chat"}[i%3]))
	}
	last := live[len(live)-1].Device.ID
	for name, c := range map[string]struct {
		view               View
		shown, page, pages int
	}{
		"short":                {View{}, ListShort, 0, 0},
		"short, with one more": {View{Keep: []string{last.String()}}, ListShort + 1, 0, 0},
		"short, with nothing":  {View{Keep: []string{"x"}}, ListShort, 0, 0},
		"all":                  {View{All: true}, ListPage, 0, 10},
		"all, the last page":   {View{All: true, Page: 9}, ListPage, 9, 10},
		"all, beyond":          {View{All: true, Page: 1 << 40}, ListPage, 9, 10},
		"all, before":          {View{All: true, Page: -7}, ListPage, 0, 10},
		"found":                {View{Query: "mail"}, ListPage, 0, 4},
		"not found":            {View{Query: "none", Page: 3}, 0, 0, 1},
	} {
		if o := List(live, me.Device.ID, c.view); o.Shown != c.shown || o.Page != c.page || o.Pages != c.pages || o.Others != 1000 {
			t.Errorf("%s: %d shown, page %d of %d, %d others", name, o.Shown, o.Page, o.Pages, o.Others)
		}
	}
	seen := map[uuid.UUID]bool{}
	for page := range 10 {
		for _, g := range List(live, me.Device.ID, View{All: true, Page: page}).Groups {
			for _, d := range g.Devices {
				seen[d.Device.ID] = true
			}
			if g.Total < 333 {
				t.Fatalf("page %d: the group %q has %d devices", page, g.App, g.Total)
			}
		}
	}
	if len(seen) != 1000 {
		t.Errorf("the pages show %d devices", len(seen))
	}
	short := List(live, me.Device.ID, View{Keep: []string{last.String()}})
	if !slices.ContainsFunc(short.Groups, func(g Group) bool {
		return slices.ContainsFunc(g.Devices, func(d models.NamedDevice) bool { return d.Device.ID == last })
	}) {
		t.Error("the devices to keep are not shown")
	}
}
