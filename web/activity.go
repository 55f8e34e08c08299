package web

import (
	"fmt"
	"net/http"
	"net/url"

	"latchkey/auth"
	"latchkey/models"
	"latchkey/views"
)

// activity shows what happened with the account, newest first.
func (s *Server) activity(w http.ResponseWriter, r *http.Request, by *auth.Session) error {
	cursor := r.URL.Query().Get("before")
	list, next, err := s.auth.Activity(r.Context(), by, cursor)
	if err != nil {
		return err
	}
	page := views.ActivityPage{Shell: s.shell(w, r, "Activity", "activity"), Now: by.Device.LastSeenAt}
	for _, e := range list {
		row := views.Event{Text: sentence(e), Alarm: alarming(e), At: e.At, Address: e.IP}
		if agent := auth.DescribeAgent(e.UserAgent); agent.Name != auth.UnknownBrowser {
			row.Agent = agent.Name
		}
		page.Events = append(page.Events, row)
	}
	if next != "" {
		page.Older = "/activity?before=" + url.QueryEscape(next)
	}
	if cursor != "" {
		page.Newest = "/activity"
	}
	return render(w, r, http.StatusOK, views.Activity(page))
}

// sentence says an event in plain words.
func sentence(e models.Event) string {
	device := "“" + e.DeviceName + "”"
	switch e.Kind {
	case models.EventAccountCreated:
		return "Your account was created."
	case models.EventSignIn:
		return "Signed in on " + device + "."
	case models.EventSignInFailed:
		if e.Detail == auth.LockedDetail {
			return "A sign-in with the right password was refused, because your password is locked."
		}
		return "A sign-in with a wrong password failed."
	case models.EventPasswordFailed:
		return "A wrong password was given where your password was asked for again."
	case models.EventSignOut:
		if e.Detail == models.RevokedByReplace {
			return device + " was signed out by a new sign-in in the same browser."
		}
		return device + " signed out."
	case models.EventDeviceRevoked:
		if e.Detail == models.RevokedByLimit {
			return device + " was signed out to make room: too many browsers were signed in."
		}
		return "You signed out " + device + "."
	case models.EventDevicesRevoked:
		if e.Actor == models.ActorOperator {
			return "An administrator signed out all your devices."
		}
		return "You signed out all other devices."
	case models.EventDeviceRenamed:
		return fmt.Sprintf("You renamed %s to “%s”.", device, e.Detail)
	case models.EventDeviceReused:
		return device + " was signed out because its token was used twice: someone may have copied it."
	case models.EventDeviceForked:
		if e.Detail == auth.ForkWarnDetail {
			return device + " lost the answer to its renewal several times. If its connection is good, sign it out and in again."
		}
		return device + " lost the answer to a renewal and asked again."
	case models.EventDeviceRestored:
		return device + " was signed in by a token newer than our records, after a restore of the database."
	case models.EventPasswordChanged:
		return "You changed your password. All other devices were signed out."
	case models.EventPasswordReset:
		if e.Actor == models.ActorOwner {
			return "You chose a new password by the link in a mail. All devices were signed out."
		}
		return "An administrator set a new password. All devices were signed out."
	case models.EventRoleChanged:
		return "An administrator changed what your account may do."
	case models.EventDisabled:
		return "An administrator disabled your account. All devices were signed out."
	case models.EventEnabled:
		return "An administrator enabled your account again."
	case models.EventSupportSearched:
		return "You searched for “" + e.Detail + "” as support."
	case models.EventSupportLooked:
		return "You looked at the devices and activity of account " + e.Detail + " as support."
	case models.EventSeenBySupport:
		return "Support looked at your devices and activity."
	case models.EventLocked:
		if e.DeviceName != "" {
			return device + " was signed out and your password locked, by the link “This wasn’t me” in a mail."
		}
		return "All devices were signed out and your password locked, by the link “This wasn’t me” in a mail."
	case models.EventMailFailed:
		return "A mail to you could not be delivered. Is your address right?"
	}
	return "Something else happened."
}

func alarming(e models.Event) bool {
	switch e.Kind {
	case models.EventDeviceReused, models.EventSignInFailed, models.EventPasswordFailed, models.EventLocked, models.EventMailFailed:
		return true
	case models.EventDeviceForked:
		return e.Detail == auth.ForkWarnDetail
	}
	return false
}
