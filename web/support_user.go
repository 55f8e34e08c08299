package web

import (
	"net/http"
	"net/url"

	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// supportUser shows a person's devices and activity to the support staff, without any actions. Like a search, it is a GET that
// writes: it records the view.
func (s *Server) supportUser(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if crossSite(r) {
		return &wire.Error{Status: http.StatusForbidden, Code: "cross_site", Message: "This link came from another site. Search for the person here instead."}
	}
	query := r.URL.Query()
	at := personURL{id: r.PathValue("id"), filter: device.SupportFilter(query.Get("kind")), before: query.Get("before"), ended: query.Get("ended")}
	found, ok := s.openTrail(by, query.Get(trailParam))
	if ok {
		at.back = query.Get(trailParam)
	}
	look := support.View{ID: at.id, Before: at.before, Ended: at.ended, Filter: at.filter, Reason: found.Reason, From: from}
	p, err := s.support.ViewAccount(r.Context(), by, look)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, p.Person.ID)
	if err != nil {
		return err
	}
	where.networks = where.networks.Elsewhere() // the reader is one of the staff
	page := views.SupportPersonPage{
		Now: by.Device.LastSeenAt, Person: personRow(p.Person, ""), MoreLive: p.MoreLive, Reason: found.Reason, Back: resultsURL(at.back),
		Filters: at.filters(), Summary: summaryFacts(p),
	}
	for _, d := range p.Live {
		page.Live = append(page.Live, where.found(d, by))
	}
	for _, d := range p.Ended {
		page.Ended = append(page.Ended, where.found(d, by))
	}
	for _, e := range p.Events {
		page.Events = append(page.Events, eventLine(say(r), where, e))
	}
	if p.MoreEnded != "" {
		page.MoreEnded = at.with(func(u *personURL) { u.ended = p.MoreEnded })
	}
	if p.MoreEvents != "" {
		page.Older = at.with(func(u *personURL) { u.before = p.MoreEvents })
	}
	if at.before != "" || at.ended != "" {
		page.Newest = at.with(func(u *personURL) { u.before, u.ended = "", "" })
	}
	page.Shell = s.shell(w, r, "Person", "support") // not the address: titles stay in histories
	return render(w, r, http.StatusOK, views.SupportUser(page))
}

// found is foundRow with what is known of the addresses.
func (p places) found(d models.FoundDevice, by *browser.Session) views.SupportDevice {
	row := foundRow(d, by, "")
	row.Place, row.SignedInPlace = p.at(d.Device.LastIP, d.Device.LastSeenAt), p.at(d.Device.CreatedIP, d.Device.CreatedAt)
	return row
}

// personURL is where a person's page is: with the sealed search that led there, the filter of the activity, and the places in the two
// lists.
type personURL struct{ id, back, filter, before, ended string }

func (u personURL) String() string {
	path, query := "/support/users/"+url.PathEscape(u.id), url.Values{}
	for name, value := range map[string]string{trailParam: u.back, "kind": u.filter, "before": u.before, "ended": u.ended} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// with is the URL after a change.
func (u personURL) with(change func(*personURL)) string {
	change(&u)
	return u.String()
}

// filters are the choices of the activity. Another choice begins at its newest event.
func (u personURL) filters() []views.Filter {
	var list []views.Filter
	p := catalog.Printer{}
	for _, f := range [][2]string{
		{"", p.ActivityFilterAll()}, {device.FilterWarnings, p.ActivityFilterWarnings()}, {device.FilterSignIns, p.ActivityFilterSignIns()},
		{device.FilterDevices, p.ActivityFilterDevices()}, {device.FilterAccount, p.ActivityFilterAccount()}, {device.FilterSupport, "Support"},
	} {
		to := u.with(func(u *personURL) { u.filter, u.before = f[0], "" }) + "#activity"
		list = append(list, views.Filter{Text: f[1], URL: to, Active: f[0] == u.filter})
	}
	return list
}
