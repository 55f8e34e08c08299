package device

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// How many devices a page lists, not counting the current one.
const (
	ListShort = 20  // the most recently active ones; the person can ask for all
	ListPage  = 100 // of all devices, or of the results of a search
)

// maxQuery is how many bytes of a search text are used. No device name is longer.
const maxQuery = 512

// View selects the part of a device list that is shown. The zero value selects the short list.
type View struct {
	Query string   // every word must occur in the name, app, browser or IP address; empty: all devices
	All   bool     // all devices, page by page, not only the most recently active ones
	Page  int      // the page of all devices or of the search results; 0 is the first
	Keep  []string // ids of devices that the short list shows in any case
}

// Listing is the part of a person's devices that is shown.
type Listing struct {
	Current *models.NamedDevice // nil: it has been signed out since
	Groups  []Group             // the other devices: apps first, then browsers
	Others  int                 // devices besides the current one
	Found   int                 // how many of Others match the query
	Apps    int                 // how many of Found are apps
	Shown   int                 // how many of Found are in Groups
	Page    int                 // which of Pages is shown; 0 is the first
	Pages   int                 // 0: the short list
}

// Group holds the devices of one app, or all browsers.
type Group struct {
	Browsers bool
	App      string // the name under which the app is registered, otherwise its client_id; may be empty
	Total    int    // how many devices the group has, shown or not
	Devices  []models.NamedDevice
}

// List selects from the live devices, which must be sorted by activity, most recent first. Each group keeps that order. Apps are
// ordered by their most recently active device, and the browsers come last.
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

// cut returns the part of the groups that is on the page v.Page, and sets o.Page and o.Pages.
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

// short returns the groups, reduced to the ListShort most recently active devices of all and those in keep.
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

// queryWords returns the words of a search text, folded as models.NameKey folds names.
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
