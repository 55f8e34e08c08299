package web

import (
	"net/http"
	"net/url"

	"latchkey/auth/browser"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/views"
)

// supportUser shows a person's devices and activity to the support staff, without any actions. Like a search, it is a GET that
// writes: it records the view.
func (s *Server) supportUser(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if crossSite(r) {
		return &httpError{status: http.StatusForbidden, code: "cross_site", message: "This link came from another site. Look the person up here instead."}
	}
	query := r.URL.Query()
	look := support.View{ID: r.PathValue("id"), Before: query.Get("before"), Ended: query.Get("ended"), From: from}
	p, err := s.support.ViewAccount(r.Context(), by, look)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, p.Person.ID)
	if err != nil {
		return err
	}
	where.networks = where.networks.Elsewhere() // the reader is one of the staff
	page := views.SupportPersonPage{Now: by.Device.LastSeenAt, Person: personRow(p.Person), MoreLive: p.MoreLive}
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
		page.MoreEnded = userURL(look.ID, look.Before, p.MoreEnded)
	}
	if p.MoreEvents != "" {
		page.Older = userURL(look.ID, p.MoreEvents, look.Ended)
	}
	if look.Before != "" || look.Ended != "" {
		page.Newest = userURL(look.ID, "", "")
	}
	page.Shell = s.shell(w, r, "Person", "support") // not the address: titles stay in histories
	return render(w, r, http.StatusOK, views.SupportUser(page))
}

// found is foundRow with what is known of the addresses.
func (p places) found(d models.FoundDevice, by *browser.Session) views.SupportDevice {
	row := foundRow(d, by)
	row.Place, row.SignedInPlace = p.at(d.Device.LastIP, d.Device.LastSeenAt), p.at(d.Device.CreatedIP, d.Device.CreatedAt)
	return row
}

// userURL is a person's page, with the places in its two lists.
func userURL(id, before, ended string) string {
	path, query := "/support/users/"+url.PathEscape(id), url.Values{}
	if before != "" {
		query.Set("before", before)
	}
	if ended != "" {
		query.Set("ended", ended)
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
