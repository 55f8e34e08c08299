package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"latchkey/auth"
	"latchkey/models"
	"latchkey/views"
)

// activity shows what happened with the account, newest first; ?kind= keeps some kinds only.
func (s *Server) activity(w http.ResponseWriter, r *http.Request, by *auth.Session) error {
	cursor, filter := r.URL.Query().Get("before"), auth.ActivityFilter(r.URL.Query().Get("kind"))
	list, next, err := s.auth.Activity(r.Context(), by, filter, cursor)
	if err != nil {
		return err
	}
	page := views.ActivityPage{Shell: s.shell(w, r, "Activity", "activity"), Now: by.Device.LastSeenAt, Filters: activityFilters(filter)}
	for _, e := range list {
		page.Events = append(page.Events, eventLine(e))
	}
	if next != "" {
		page.Older = activityURL(filter, next)
	}
	if cursor != "" {
		page.Newest = activityURL(filter, "")
	}
	return render(w, r, http.StatusOK, views.Activity(page))
}

func activityFilters(active string) []views.Filter {
	var list []views.Filter
	for _, f := range [][2]string{{"", "Everything"}, {auth.FilterWarnings, "Warnings"}, {auth.FilterSignIns, "Sign-ins"}, {auth.FilterDevices, "Devices"}, {auth.FilterAccount, "Account"}} {
		list = append(list, views.Filter{Text: f[1], URL: activityURL(f[0], ""), Active: f[0] == active})
	}
	return list
}

func activityURL(filter, before string) string {
	query := url.Values{}
	if filter != "" {
		query.Set("kind", filter)
	}
	if before != "" {
		query.Set("before", before)
	}
	if len(query) == 0 {
		return "/activity"
	}
	return "/activity?" + query.Encode()
}

func eventLine(e models.Event) views.Event {
	line := views.Event{Alarm: auth.Alarming(e), At: e.At, Address: e.IP}
	line.Text, line.Names = sentence(e)
	if agent := auth.DescribeAgent(e.UserAgent); agent.Name != auth.UnknownBrowser {
		line.Agent = agent.Name
	}
	return line
}

// sentence says an event in plain words, with %s in the places of names.
func sentence(e models.Event) (text string, names []string) {
	text, names = eventWords(e), []string{e.DeviceName, e.Detail}
	if (e.Kind == models.EventSupportSearched || e.Kind == models.EventSupportLooked) && e.Detail != "" {
		names = names[1:]
	}
	return text, names[:strings.Count(text, "%s")]
}

// severalFailures says an event that stands for several, which came after those that have one each.
func severalFailures(e models.Event) string {
	n := 1 + e.More
	switch {
	case e.Kind == models.EventPasswordFailed:
		return fmt.Sprintf("%d more wrong passwords were given within 15 minutes where your password was asked for again.", n)
	case e.Detail == auth.LockedDetail:
		return fmt.Sprintf("%d more sign-ins with the right password were refused within 15 minutes, because your password is locked.", n)
	}
	return fmt.Sprintf("%d more sign-ins with a wrong password failed within 15 minutes.", n)
}

// eventWords has a %s for the device's name and, of a rename, a second one for the new name; in the support staff's own
// acts it stands for what they looked for.
func eventWords(e models.Event) string {
	if e.More > 0 {
		return severalFailures(e)
	}
	switch e.Kind {
	case models.EventAccountCreated:
		return "Your account was created."
	case models.EventSignIn:
		return "Signed in on “%s”."
	case models.EventSignInFailed:
		if e.Detail == auth.LockedDetail {
			return "A sign-in with the right password was refused, because your password is locked."
		}
		return "A sign-in with a wrong password failed."
	case models.EventPasswordFailed:
		return "A wrong password was given where your password was asked for again."
	case models.EventSignOut:
		if e.Detail == string(models.RevokedByReplace) {
			return "“%s” was signed out by a new sign-in in the same browser."
		}
		return "“%s” signed out."
	case models.EventDeviceRevoked:
		if e.Detail == string(models.RevokedByLimit) {
			return "“%s” was signed out to make room: too many browsers were signed in."
		}
		return "You signed out “%s”."
	case models.EventDevicesRevoked:
		if e.Actor == models.ActorOperator {
			return "An administrator signed out all your devices."
		}
		return "You signed out all other devices."
	case models.EventDeviceRenamed:
		return "You renamed “%s” to “%s”."
	case models.EventDeviceReused:
		return "“%s” was signed out because its token was used twice: someone may have copied it."
	case models.EventDeviceForked:
		if e.Detail == auth.ForkWarnDetail {
			return "“%s” lost the answer to its renewal several times. If its connection is good, sign it out and in again."
		}
		return "“%s” lost the answer to a renewal and asked again."
	case models.EventDeviceRestored:
		return "“%s” was signed in by a token newer than our records, after a restore of the database."
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
		if e.Detail == "" {
			return "You searched for an account that was deleted since, as support."
		}
		return "You searched for “%s” as support."
	case models.EventSupportLooked:
		if e.Detail == "" {
			return "You looked at the devices and activity of an account that was deleted since, as support."
		}
		return "You looked at the devices and activity of account %s as support."
	case models.EventSeenBySupport:
		return "Support looked at your devices and activity."
	case models.EventLocked:
		if e.DeviceName != "" {
			return "“%s” was signed out and your password locked, by the link “This wasn’t me” in a mail."
		}
		return "All devices were signed out and your password locked, by the link “This wasn’t me” in a mail."
	case models.EventEmailAsked:
		return "You asked for another e-mail address. It counts once the link in the mail to it is used."
	case models.EventEmailChanged:
		if e.Actor == models.ActorOperator {
			return "An administrator changed your e-mail address."
		}
		return "Your e-mail address was changed, by the link in the mail to the new one."
	case models.EventEmailRestored:
		return "Your former e-mail address was restored by the link in the mail to it. All devices were signed out and your password locked."
	case models.EventWaysBackEnded:
		return "You ended the links that could take your account back to newer e-mail addresses."
	case models.EventDataDownloaded:
		return "Everything that is kept of your account was downloaded on “%s”."
	case models.EventAccountDeleted:
		return "Your account was deleted."
	case models.EventMailFailed:
		return "A mail to you could not be delivered. Is your e-mail address right?"
	}
	return "Something else happened."
}
