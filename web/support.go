package web

import (
	"net/http"
	"regexp"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// supportDesk is the search and what it found, or else the last 30 days. The search comes sealed, or as it is typed into the address bar:
// then the links on the page have it sealed. This GET writes, which is the exception here: it records that the search was made.
func (s *Server) supportDesk(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	t, known := s.trailOf(r, by)
	page := views.SupportPage{Search: searchForm(t)}
	page.Search.Trail = s.sealTrail(by, trail{Text: t.Text, Reason: t.Reason})
	switch {
	case !known:
		page.Search.Problem = "This search can’t be opened any more. Please search again."
		return s.renderDesk(w, r, http.StatusNotFound, page)
	case page.Search.Text == "":
		page.Charts = s.charts(r, by)
		return s.renderDesk(w, r, http.StatusOK, page)
	case crossSite(r):
		page.Search.Problem = "This search came from another site. To run it, select Search."
		return s.renderDesk(w, r, http.StatusForbidden, page)
	}
	q := t.query()
	q.From = from
	found, err := s.support.Search(r.Context(), by, q)
	if auth.AsError(err).Kind == auth.KindInvalidRequest {
		return s.refuseSearch(w, r, by, page, err)
	}
	if err != nil {
		return err
	}
	page.Searched, page.TooSlow, page.Further, page.First = true, found.TooSlow, t.After != "", s.firstURL(by, t)
	page.Address, page.ErrorNumber = found.Address, looksLikeRequestID(page.Search.Text)
	page.MorePeople, page.MoreDevices = s.furtherURL(by, t, found.MorePeople), s.furtherURL(by, t, found.MoreDevices)
	back := s.sealTrail(by, t)
	for _, p := range found.People {
		page.People = append(page.People, personRow(p, back))
	}
	for _, d := range found.Devices {
		page.Devices = append(page.Devices, foundRow(d, by, back))
	}
	return s.renderDesk(w, r, http.StatusOK, page)
}

// supportSearch takes the search form, and leads to its results. It is a POST so that neither the search nor the reason is in a URL that
// can be read.
func (s *Server) supportSearch(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, err := decodePage(r, "q", "kind", "live", "seen", "reason", trailParam)
	if err != nil {
		return err
	}
	t := trail{Text: p["q"], Kind: p["kind"], Live: p["live"], Seen: p["seen"], Reason: p["reason"]}
	if before, ok := s.openTrail(by, p[trailParam]); ok && t.leftOver(before) {
		t.Reason, t.Dropped = "", true
	}
	if err := support.Check(t.Text, t.Reason); err != nil {
		page := views.SupportPage{Search: searchForm(t)}
		page.Search.Trail = p[trailParam]
		return s.refuseSearch(w, r, by, page, err)
	}
	form := searchForm(t)
	return redirect(w, r, resultsURL(s.sealTrail(by, trail{Text: form.Text, Kind: form.Kind, Live: form.Live, Seen: form.Seen, Reason: form.Reason, Dropped: form.Dropped})))
}

// refuseSearch shows the form again, with what is wrong.
func (s *Server) refuseSearch(w http.ResponseWriter, r *http.Request, by *browser.Session, page views.SupportPage, err error) error {
	problems, status, _ := s.formProblems(w, r, err)
	if page.Search.Text == "" {
		page.Charts = s.charts(r, by)
	}
	page.Search.Problem, page.Search.ReasonProblem = problems.Fields["q"], problems.Fields["reason"]
	return s.renderDesk(w, r, status, page)
}

func (s *Server) renderDesk(w http.ResponseWriter, r *http.Request, status int, page views.SupportPage) error {
	page.Shell = s.shell(w, r, "Support", "support")
	return render(w, r, status, views.Support(page))
}

// trailOf is the search that a URL asks for; the zero trail without one. It returns false for a sealed one that cannot be opened.
func (s *Server) trailOf(r *http.Request, by *browser.Session) (trail, bool) {
	query := r.URL.Query()
	if param := query.Get(trailParam); param != "" {
		return s.openTrail(by, param)
	}
	return trail{Text: query.Get("q"), Kind: query.Get("kind"), Live: query.Get("live"), Seen: query.Get("seen"), After: query.Get("after")}, true
}

// crossSite tells of a request that its person did not begin here: another site's link, or a browser that loads ahead what
// might be wanted. It must not record a search or a look that no person asked for.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site" || strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch")
}

// searchForm is the form as it was filled in. An unknown choice becomes the first one, as it does for the search.
func searchForm(t trail) views.SupportSearch {
	form := views.SupportSearch{Text: printable(auth.TrimEmail(t.Text)), Reason: printable(strings.TrimSpace(t.Reason)), Dropped: t.Dropped}
	if t.Kind == models.KindApp || t.Kind == models.KindBrowser {
		form.Kind = t.Kind
	}
	if t.Live == models.OnlyLive || t.Live == models.OnlyEnded {
		form.Live = t.Live
	}
	if _, ok := support.SeenWithin[t.Seen]; ok {
		form.Seen = t.Seen
	}
	return form
}

// charts are the numbers of the last 30 days. If they are not available, the page works without them.
func (s *Server) charts(r *http.Request, by *browser.Session) []views.Chart {
	n, err := s.support.DailyStats(r.Context(), by)
	if err != nil {
		s.log.WarnContext(r.Context(), "the numbers of the support desk could not be counted", "request", request(r).ID, "cause", err.Error())
		return nil
	}
	return []views.Chart{
		{ID: "sign-ins", Title: "Sign-ins", Group: "sign-ins", Days: n.Days, N: n.SignIns},
		{ID: "failed", Title: "Failed sign-ins", Group: "sign-ins", Days: n.Days, N: n.Failed},
		{ID: "reuse", Title: "Copied sign-ins found", Days: n.Days, N: n.Reuse, Alarm: true},
		{ID: "revocations", Title: "Acts of signing out other devices", Days: n.Days, N: n.Revocations},
	}
}

// personRow is a person as support sees them. back is the sealed search that found them; "" without one.
func personRow(p models.FoundPerson, back string) views.SupportPerson {
	return views.SupportPerson{
		ID: p.ID.String(), Email: p.Email, URL: personURL{id: p.ID.String(), back: back}.String(), Staff: p.Role == models.RoleSupport, Disabled: p.DisabledAt != nil,
		Devices: p.Devices, CreatedAt: p.CreatedAt,
	}
}

// foundRow is a device as support sees it.
func foundRow(d models.FoundDevice, by *browser.Session, back string) views.SupportDevice {
	row := views.SupportDevice{
		Device: deviceRow(catalog.Printer{}, d.Device, by), SignedInFrom: d.Device.CreatedIP, Live: d.End.Live(),
		Owner: views.SupportPerson{
			Email: d.OwnerEmail, URL: ownerURL(d.Device, back), Staff: d.OwnerRole == models.RoleSupport, Disabled: d.OwnerDisabled != nil,
		},
	}
	if !row.Live {
		row.End, row.EndedAt, row.Alarm = endTextOf(d.End.Reason).support, d.End.At, d.End.Reason == models.RevokedByReuse
	}
	return row
}

// ownerURL is where a device stands on its owner's page.
func ownerURL(d models.Device, back string) string {
	return personURL{id: d.UserID.String(), back: back, device: d.ID.String()}.String() + "#device-" + d.ID.String()
}

// requestID is how the middleware writes the id of a request, which error pages show.
var requestID = regexp.MustCompile(`^[A-Z2-7]{16}$`)

// looksLikeRequestID tells of a text that may be the number of an error page. Without a digit, small letters are rather a name.
func looksLikeRequestID(text string) bool {
	return requestID.MatchString(text) || strings.ContainsAny(text, "234567") && requestID.MatchString(strings.ToUpper(text))
}
