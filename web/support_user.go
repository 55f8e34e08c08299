package web

import (
	"net/http"
	"net/url"

	"latchkey/auth"
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
	if crossSite(r) {
		return &wire.Error{Status: http.StatusForbidden, Code: "cross_site", Message: "This link came from another site. Search for the person here instead."}
	}
	query := r.URL.Query()
	at := personURL{
		id: r.PathValue("id"), filter: device.ActivityFilter(query.Get("kind")), before: query.Get("before"), ended: query.Get("ended"), device: query.Get("device"),
	}
	return s.showPerson(w, r, by, at, query.Get(trailParam), views.SupportPersonPage{})
}

// supportReason takes the reason for looking at a person, and shows the page for it.
func (s *Server) supportReason(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, err := decodePage(r, "reason", trailParam)
	if err != nil {
		return err
	}
	at := personURL{id: r.PathValue("id")}
	reason, problem := support.Reason(p["reason"])
	if problem != "" { // the page is a look, too: for the reason that was in force
		return s.showPerson(w, r, by, at, p[trailParam], views.SupportPersonPage{ReasonTyped: printable(p["reason"]), ReasonProblem: problem})
	}
	id, ok := auth.ParseID(at.id)
	if !ok {
		return support.ErrNoAccount
	}
	t, _ := s.openTrail(by, p[trailParam])
	t.Person, t.PersonReason = id.String(), reason
	at.back = s.sealTrail(by, t)
	return redirect(w, r, at.String())
}

// showPerson records a look at a person and shows the page, with what a refused form has left on it.
func (s *Server) showPerson(w http.ResponseWriter, r *http.Request, by *browser.Session, at personURL, param string, page views.SupportPersonPage) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	led, ok := s.openTrail(by, param)
	if ok {
		at.back = param
	}
	id, _ := auth.ParseID(at.id)
	page.Reason = led.reasonFor(id.String())
	look := support.View{ID: at.id, Before: at.before, Ended: at.ended, Device: at.device, Filter: at.filter, Reason: page.Reason, From: from}
	p, err := s.support.ViewAccount(r.Context(), by, look)
	if err != nil {
		return err
	}
	// No network is marked as new: what an account knows changes with each sign-in and sign-out, and the mark on an old line with it.
	where := places{file: s.places, language: say(r).Tag(), proxies: s.proxies}
	page.Now, page.Person, page.MoreLive, page.AllEnded = by.Device.LastSeenAt, personRow(p.Person, ""), p.MoreLive, p.AllEnded
	page.Filters, page.Summary, page.Trail, page.Marked = at.filters(), summaryFacts(p, where, at), at.back, at.device
	if led.Text != "" {
		page.Back = resultsURL(s.sealTrail(by, led.ofSearch()))
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
		page.MoreEnded = at.with(func(u *personURL) { u.ended, u.device = p.MoreEnded, "" })
	}
	if p.MoreEvents != "" {
		page.Older = at.with(func(u *personURL) { u.before = p.MoreEvents })
	}
	if at.before != "" || at.ended != "" {
		page.Newest = at.with(func(u *personURL) { u.before, u.ended = "", "" })
	}
	page.Shell = s.shell(w, r, "Person", "support") // an address in the title would stay in the browser's history
	status := http.StatusOK
	if page.ReasonProblem != "" {
		status = http.StatusUnprocessableEntity
	}
	return render(w, r, status, views.SupportUser(page))
}

// found is foundRow with what is known of the addresses.
func (p places) found(d models.FoundDevice, by *browser.Session) views.SupportDevice {
	row := foundRow(d, by, "")
	row.Place, row.SignedInPlace = p.at(d.Device.LastIP, d.Device.LastSeenAt), p.at(d.Device.CreatedIP, d.Device.CreatedAt)
	return row
}

// personURL is where a person's page is: with the sealed search that led there, the filter of the activity, the places in the two
// lists, and the device that is looked for.
type personURL struct{ id, back, filter, before, ended, device string }

func (u personURL) String() string {
	path, query := "/support/users/"+url.PathEscape(u.id), url.Values{}
	for name, value := range map[string]string{trailParam: u.back, "kind": u.filter, "before": u.before, "ended": u.ended, "device": u.device} {
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
		{device.FilterDevices, p.ActivityFilterDevices()}, {device.FilterAccount, p.ActivityFilterAccount()}, {device.FilterSupport, p.ActivityFilterSupport()},
	} {
		to := u.with(func(u *personURL) { u.filter, u.before = f[0], "" }) + "#activity"
		list = append(list, views.Filter{Text: f[1], URL: to, Active: f[0] == u.filter})
	}
	return list
}
