package web

import (
	"net/http"
	"net/url"

	"latchkey/auth"
	"latchkey/models"
	"latchkey/views"
)

// supportUser shows a person's devices and activity to the support staff, and nothing to do with them. Like a search it
// is a GET that writes: it records the look.
func (s *Server) supportUser(w http.ResponseWriter, r *http.Request, by *auth.Session) error {
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if crossSite(r) {
		return &httpError{status: http.StatusForbidden, code: "cross_site", message: "This link came from another site. Look the person up here instead."}
	}
	query := r.URL.Query()
	look := auth.SupportLook{ID: r.PathValue("id"), Before: query.Get("before"), Ended: query.Get("ended"), From: from}
	p, err := s.auth.LookAt(r.Context(), by, look)
	if err != nil {
		return err
	}
	page := views.SupportPersonPage{Now: by.Device.LastSeenAt, Person: personRow(p.Person), MoreLive: p.MoreLive}
	for _, d := range p.Live {
		page.Live = append(page.Live, s.foundRow(d, by))
	}
	for _, d := range p.Ended {
		page.Ended = append(page.Ended, s.foundRow(d, by))
	}
	for _, e := range p.Events {
		page.Events = append(page.Events, eventLine(e))
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

// whyEnded tells the support staff why a device is not signed in any more.
func whyEnded(reason, by string) string {
	switch reason {
	case models.RevokedBySignOut:
		return "Signed out on the device itself"
	case models.RevokedByAlarm:
		return "Signed out by the link “This wasn’t me” in a mail"
	case models.RevokedByUndo:
		return "Signed out when the owner took a former e-mail address back"
	case models.RevokedByOwner:
		return "Signed out by its owner"
	case models.RevokedByPassword:
		if by == models.ActorOperator {
			return "Signed out when an administrator set a new password"
		}
		return "Signed out when the owner changed the password"
	case models.RevokedByReplace:
		return "Replaced by a new sign-in in the same browser"
	case models.RevokedByLimit:
		return "Signed out to make room: too many browsers were signed in"
	case models.RevokedByReuse:
		return "Signed out because its token was used twice: it may have been copied"
	case models.RevokedByDisable:
		return "Signed out when the account was disabled"
	case models.RevokedByOperator:
		return "Signed out by an administrator"
	case models.RevokedByExpiry:
		return "Reached its time limit"
	case models.RevokedByIdleness:
		return "Not used for too long"
	}
	return "Signed out"
}
