package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/models"
	"latchkey/views"
)

// deviceCodePath is the verification URI (RFC 8628 §3.3).
const deviceCodePath = "/device"

// deviceCodeForm asks for the code of a device, and what to answer once it was found. A code in the address is filled in and no more: no
// link may approve or even look one up.
func (s *Server) deviceCodeForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	sealed := r.URL.Query().Get("request")
	if sealed == "" {
		code := printable(r.URL.Query().Get("user_code"))
		if len(code) > 100 {
			code = ""
		}
		return s.renderDeviceCode(w, r, http.StatusOK, views.DeviceCodePage{UserCode: grant.FormatUserCode(code)})
	}
	ask, err := s.deviceCodes.Ask(r.Context(), by, sealed)
	if auth.AsError(err).Kind == auth.KindDeadLink && err != nil {
		return redirect(w, r, deviceCodePath)
	}
	if err != nil {
		return err
	}
	return s.renderDeviceAsk(w, r, http.StatusOK, ask, views.DeviceAskPage{DeviceName: typedName(r, cmp.Or(ask.DeviceName, ask.Client.Name))})
}

// deviceCode takes a code or, for one that was found, the person's answer.
func (s *Server) deviceCode(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "user_code", "request", "device_name", "replace", "choice")
	if err != nil {
		return err
	}
	if p["request"] == "" {
		sealed, err := s.deviceCodes.Find(r.Context(), by, p["user_code"], c.From)
		if err != nil {
			problems, status, ok := s.formProblems(w, r, err)
			if !ok {
				return err
			}
			return s.renderDeviceCode(w, r, status, views.DeviceCodePage{UserCode: printable(p["user_code"]), Problems: problems})
		}
		return redirect(w, r, deviceCodePath+"?request="+sealed)
	}
	if p["choice"] == "allow" {
		err = s.deviceCodes.Approve(r.Context(), by, grant.DeviceApproval{
			Sealed: p["request"], DeviceName: p["device_name"], Replace: p["replace"], Confirmation: c, From: c.From,
		})
	} else {
		err = s.deviceCodes.Deny(r.Context(), by, p["request"])
	}
	if kind := auth.AsError(err).Kind; err == nil || kind == auth.KindDeadLink || kind == auth.KindTooManyDevices {
		return redirect(w, r, deviceCodePath+"?request="+p["request"]) // the page says what has become of the code, or that there is no room
	}
	problems, status, ok := s.refusedAct(w, r, err, c, say(r).DeviceCodeRefused())
	if !ok {
		return err
	}
	ask, err := s.deviceCodes.Ask(r.Context(), by, p["request"])
	if err != nil {
		return err
	}
	return s.renderDeviceAsk(w, r, status, ask, views.DeviceAskPage{DeviceName: printable(p["device_name"]), Room: views.Room{Picked: p["replace"]}, Problems: problems})
}

func (s *Server) renderDeviceCode(w http.ResponseWriter, r *http.Request, status int, page views.DeviceCodePage) error {
	page.Shell = s.shell(w, r, say(r).DeviceCodeTitle(), "")
	return render(w, r, status, views.DeviceCode(page))
}

// deviceOutcomes say what has become of a code that waits no more.
var deviceOutcomes = map[grant.DeviceState]views.DeviceOutcome{
	grant.DeviceDone: views.DeviceApproved, grant.DeviceDenied: views.DeviceDenied, grant.DeviceUsed: views.DeviceCodeUsed, grant.DeviceExpired: views.DeviceCodeExpired,
}

func (s *Server) renderDeviceAsk(w http.ResponseWriter, r *http.Request, status int, ask grant.DeviceAsk, page views.DeviceAskPage) error {
	if outcome, over := deviceOutcomes[ask.State]; over {
		page := views.DeviceOutcomePage{Shell: s.shell(w, r, say(r).DeviceCodeTitle(), ""), Outcome: outcome, Minutes: int(grant.DeviceCodeLife / time.Minute)}
		return render(w, r, http.StatusOK, views.DeviceCodeOutcome(page))
	}
	by := request(r).session
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	if page.Room, err = s.roomPart(r, ask.Client, page.Room.Picked); err != nil {
		return err
	}
	if agent := auth.DescribeAgent(ask.Agent); agent.Name != auth.UnknownBrowser {
		page.Program = agent.Name // an app's HTTP library says little
	}
	page.App, page.UserCode, page.Request, page.Address, page.At = cmp.Or(ask.Client.Name, ask.Client.ID), ask.UserCode, ask.Sealed, ask.Address, ask.At
	page.Place = where.at(ask.Address, ask.At)
	page.Elsewhere = !page.Place.Same && ask.Address != "" && from.Network() != ""
	page.Gets = consentGets(ask.Client, ask.Scope)
	page.Shell, page.Now = s.shell(w, r, say(r).DeviceCodeTitle(), ""), by.Device.LastSeenAt
	return render(w, r, status, views.DeviceAsk(page))
}

// consentGets is what a client gets with the scopes of OpenID Connect that a request has.
func consentGets(c models.Client, asked []string) views.ConsentGets {
	read, write := client.OwnDevices(c)
	return views.ConsentGets{Who: slices.Contains(asked, grant.ScopeOpenID), Email: slices.Contains(asked, grant.ScopeEmail), Devices: read, Act: write}
}
