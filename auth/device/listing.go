package device

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// How many of the devices besides the current one a page lists.
const (
	ListShort = 20  // the most recently active ones, until the person asks for all
	ListPage  = 100 // of all, or of those that are searched for
)

// maxQuery is how much of a search text is used, in bytes. It is longer than any name.
const maxQuery = 512

// View chooses the part of a list of devices that is shown. The zero value is its short form.
type View struct {
	Query string   // each of its words is in the name, the app, the browser or the address; empty: all devices
	All   bool     // page by page, instead of the most recently active ones
	Page  int      // of all, or of those that are found; 0 is the first
	Keep  []string // ids of devices that the short form shows in any case
}

// Listing is the part of a person's devices that is shown.
type Listing struct {
	Current *models.NamedDevice // nil: it was signed out since
	Groups  []Group             // of the others: the apps, then the browsers
	Others  int                 // devices besides the current one
	Found   int                 // of them, those that match the query
	Apps    int                 // of Found, those that are no browsers
	Shown   int                 // of them, those in Groups
	Page    int                 // which of Pages is shown; 0 is the first
	Pages   int                 // 0: the short form
}

// Group is the devices of one app, or the browsers.
type Group struct {
	Browsers bool
	App      string // the name under which the app is registered, otherwise its client_id; may be empty
	Total    int    // of all pages
	Devices  []models.NamedDevice
}

// List chooses from live devices, which come most recently active first. The order within a group stays, and the group with the most
// recently active device comes first.
func List(live []models.NamedDevice, current uuid.UUID, v View) Listing {
	var o Listing
	var found []models.NamedDevice
	words := queryWords(v.Query)
	for i, d := range live {
		if d.Device.ID == current {
			o.Current = &live[i]
			continue
		}
		o.Others++
		if matches(d, words) {
			found = append(found, d)
			if d.Device.Kind == models.KindApp {
				o.Apps++
			}
		}
	}
	o.Found = len(found)
	groups := group(found)
	if v.All || len(words) > 0 {
		o.Groups = o.cut(groups, v)
	} else {
		o.Groups = short(groups, found, v.Keep)
	}
	for _, g := range o.Groups {
		o.Shown += len(g.Devices)
	}
	return o
}

// cut leaves one page of the groups.
func (o *Listing) cut(groups []Group, v View) (part []Group) {
	o.Pages = max(1, (o.Found+ListPage-1)/ListPage)
	o.Page = min(max(v.Page, 0), o.Pages-1)
	skip, room := o.Page*ListPage, ListPage
	for _, g := range groups {
		from := min(skip, len(g.Devices))
		skip -= from
		g.Devices = g.Devices[from:min(from+room, len(g.Devices))]
		room -= len(g.Devices)
		if len(g.Devices) > 0 {
			part = append(part, g)
		}
	}
	return part
}

// short leaves the most recently active devices in the groups, and those to keep.
func short(groups []Group, found []models.NamedDevice, keep []string) (part []Group) {
	shown := map[uuid.UUID]bool{}
	for i, d := range found {
		if i < ListShort || slices.Contains(keep, d.Device.ID.String()) {
			shown[d.Device.ID] = true
		}
	}
	for _, g := range groups {
		g.Devices = slices.DeleteFunc(slices.Clone(g.Devices), func(d models.NamedDevice) bool { return !shown[d.Device.ID] })
		if len(g.Devices) > 0 {
			part = append(part, g)
		}
	}
	return part
}

func group(list []models.NamedDevice) (groups []Group) {
	at := map[string]int{}
	browsers := Group{Browsers: true}
	for _, d := range list {
		if d.Device.Kind == models.KindBrowser {
			browsers.Devices = append(browsers.Devices, d)
			continue
		}
		app := appOf(d)
		i, ok := at[app]
		if !ok {
			i = len(groups)
			at[app], groups = i, append(groups, Group{App: app})
		}
		groups[i].Devices = append(groups[i].Devices, d)
	}
	if len(browsers.Devices) > 0 {
		groups = append(groups, browsers)
	}
	for i := range groups {
		groups[i].Total = len(groups[i].Devices)
	}
	return groups
}

func appOf(d models.NamedDevice) string {
	if d.ClientName != "" {
		return d.ClientName
	}
	return d.Device.ClientID
}

// queryWords are the words of a search text, folded as names are for searches.
func queryWords(query string) []string {
	if len(query) > maxQuery {
		query = query[:maxQuery]
	}
	return strings.Fields(models.NameKey(strings.ToValidUTF8(query, "")))
}

func matches(d models.NamedDevice, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := models.NameKey(strings.Join([]string{
		d.Device.Name, d.ClientName, d.Device.ClientID, auth.DescribeAgent(d.Device.UserAgent).Name, d.Device.LastIP, d.Device.CreatedIP,
	}, "\n"))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}
