package web

import (
	"net/http"
	"net/url"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// stats is the search and what it found, or else the last 30 days. The search is in the URL, so that it can be
// kept and gone back to; a GET that writes is the one exception here: what it writes is that it was asked.
func (s *Server) supportDesk(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	q := support.Query{
		Text: query.Get("q"), Kind: query.Get("kind"), Live: query.Get("live"), Seen: query.Get("seen"), After: query.Get("after"), From: from,
	}
	page := views.SupportPage{Now: by.Device.LastSeenAt, Search: searchForm(q)}
	if page.Search.Text == "" {
		page.Charts = s.charts(r, by)
		page.Shell = s.shell(w, r, "Support", "support")
		return render(w, r, http.StatusOK, views.Support(page))
	}
	if crossSite(r) {
		page.Search.Problem, page.Shell = "This search was begun by another site. Press Search if you want it.", s.shell(w, r, "Support", "support")
		return render(w, r, http.StatusForbidden, views.Support(page))
	}
	found, err := s.support.Search(r.Context(), by, q)
	if auth.AsError(err).Kind == auth.KindInvalidRequest {
		problems, status, _ := s.formProblems(w, r, err)
		page.Search.Problem, page.Shell = problems.Fields["q"], s.shell(w, r, "Support", "support")
		return render(w, r, status, views.Support(page))
	}
	if err != nil {
		return err
	}
	page.Searched, page.TooSlow, page.Further, page.First = true, found.TooSlow, q.After != "", deskURL(q, "")
	page.MorePeople, page.MoreDevices = furtherURL(q, found.MorePeople), furtherURL(q, found.MoreDevices)
	for _, p := range found.People {
		page.People = append(page.People, personRow(p))
	}
	for _, d := range found.Devices {
		page.Devices = append(page.Devices, foundRow(d, by))
	}
	page.Shell = s.shell(w, r, "Support", "support")
	return render(w, r, http.StatusOK, views.Support(page))
}

// crossSite tells of a request that its person did not begin here: another site's link, or a browser that loads ahead what
// might be wanted. It must not record a search or a look that no person asked for.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site" || strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch")
}

// searchForm is the form as it was filled in. An unknown choice becomes the first one, as it does for the search.
func searchForm(q support.Query) views.SupportSearch {
	form := views.SupportSearch{Text: printable(auth.TrimEmail(q.Text))}
	if q.Kind == models.KindApp || q.Kind == models.KindBrowser {
		form.Kind = q.Kind
	}
	if q.Live == models.OnlyLive || q.Live == models.OnlyEnded {
		form.Live = q.Live
	}
	if _, ok := support.SeenWithin[q.Seen]; ok {
		form.Seen = q.Seen
	}
	return form
}

// deskURL is a page of the same search.
func deskURL(q support.Query, after string) string {
	form := searchForm(q)
	query := url.Values{"q": {form.Text}}
	for name, value := range map[string]string{"kind": form.Kind, "live": form.Live, "seen": form.Seen, "after": after} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return "/support?" + query.Encode()
}

// furtherURL is "" on the last page.
func furtherURL(q support.Query, cursor string) string {
	if cursor == "" {
		return ""
	}
	return deskURL(q, cursor)
}

// charts are the numbers of the last 30 days. If they are not available, the page works without them.
func (s *Server) charts(r *http.Request, by *browser.Session) []views.Chart {
	n, err := s.support.DailyStats(r.Context(), by)
	if err != nil {
		s.log.WarnContext(r.Context(), "the numbers of the support desk could not be counted", "request", request(r).id, "cause", err.Error())
		return nil
	}
	return []views.Chart{
		{ID: "sign-ins", Title: "Sign-ins", Group: "sign-ins", Days: n.Days, N: n.SignIns},
		{ID: "failed", Title: "Failed sign-ins", Group: "sign-ins", Days: n.Days, N: n.Failed},
		{ID: "reuse", Title: "Copied sign-ins found", Days: n.Days, N: n.Reuse, Alarm: true},
		{ID: "revocations", Title: "Sign-outs of other devices", Days: n.Days, N: n.Revocations},
	}
}

func personRow(p models.FoundPerson) views.SupportPerson {
	return views.SupportPerson{
		ID: p.ID.String(), Email: p.Email, URL: userURL(p.ID.String(), "", ""), Staff: p.Role == models.RoleSupport, Disabled: p.DisabledAt != nil,
		Devices: p.Devices, CreatedAt: p.CreatedAt,
	}
}

// foundRow is a device as support sees it.
func foundRow(d models.FoundDevice, by *browser.Session) views.SupportDevice {
	row := views.SupportDevice{
		Device: deviceRow(catalog.Printer{}, d.Device, by), SignedInFrom: d.Device.CreatedIP, Live: d.End.Live(),
		Owner: views.SupportPerson{
			Email: d.OwnerEmail, URL: userURL(d.Device.UserID.String(), "", ""), Staff: d.OwnerRole == models.RoleSupport, Disabled: d.OwnerDisabled != nil,
		},
	}
	if !row.Live {
		row.End, row.EndedAt, row.Alarm = endTextOf(d.End.Reason).support, d.End.At, d.End.Reason == models.RevokedByReuse
	}
	return row
}
