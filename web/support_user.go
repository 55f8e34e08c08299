package web

import (
	"net/http"
	"net/url"

	"latchkey/auth/browser"
	"latchkey/auth/support"
	"latchkey/views"
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
	look := support.View{ID: r.PathValue("id"), Before: query.Get("before"), Ended: query.Get("ended"), From: from}
	p, err := s.support.ViewAccount(r.Context(), by, look)
	if err != nil {
		return err
	}
	page := views.SupportPersonPage{Now: by.Device.LastSeenAt, Person: personRow(p.Person), MoreLive: p.MoreLive}
	for _, d := range p.Live {
		page.Live = append(page.Live, foundRow(d, by))
	}
	for _, d := range p.Ended {
		page.Ended = append(page.Ended, foundRow(d, by))
	}
	for _, e := range p.Events {
		page.Events = append(page.Events, eventLine(say(r), e))
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
