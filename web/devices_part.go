package web

import (
	"net/http"
	"net/url"
	"strconv"

	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/views"
	"latchkey/views/catalog"
)

// deviceView is the part of the list that a request asks for.
func deviceView(r *http.Request) device.View {
	query := r.URL.Query()
	page, _ := strconv.Atoi(query.Get("page")) // one that cannot be read is the first
	selected := query["device"]
	return device.View{Query: query.Get("q"), All: query.Has("all"), Page: page - 1, Keep: selected[:min(len(selected), device.MaxSelected)]}
}

func deviceGroups(p catalog.Printer, where places, o device.Overview, by *browser.Session) (list []views.DeviceGroup) {
	for _, g := range o.Groups {
		group := views.DeviceGroup{Browsers: g.Browsers, App: g.App, Total: g.Total}
		for _, d := range g.Devices {
			row := where.row(p, d, by)
			if earlier, ok := o.SamePhone[d.Device.ID]; ok {
				row.Earlier = &views.EarlierDevice{ID: earlier.ID.String(), Name: earlier.Name}
			}
			group.Devices = append(group.Devices, row)
		}
		list = append(list, group)
	}
	return list
}

// devicePart says which part of the list is shown.
func devicePart(v device.View, o device.Listing) views.DevicePart {
	part := views.DevicePart{Query: printable(v.Query), All: v.All, Found: o.Found, Shown: o.Shown, Page: o.Page + 1, Pages: o.Pages}
	if o.Page > 0 {
		part.Previous = partURL(v, o.Page-1)
	}
	if o.Page+1 < o.Pages {
		part.Next = partURL(v, o.Page+1)
	}
	return part
}

func partURL(v device.View, page int) string {
	query := url.Values{}
	if v.Query != "" {
		query.Set("q", v.Query)
	} else {
		query.Set("all", "1")
	}
	if page > 0 {
		query.Set("page", strconv.Itoa(page+1))
	}
	return "/devices?" + query.Encode()
}
