package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/device"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// deviceRevokeSinceForm says what signing out a device and everything since will do, and asks.
func (s *Server) deviceRevokeSinceForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	return s.renderRevokeSince(w, r, by, http.StatusOK, views.FormProblems{})
}

func (s *Server) renderRevokeSince(w http.ResponseWriter, r *http.Request, by *browser.Session, status int, problems views.FormProblems) error {
	o, err := s.devices.Since(r.Context(), by, r.PathValue("id"))
	if err != nil {
		return err
	}
	where, err := s.placesOf(r, by.User.ID)
	if err != nil {
		return err
	}
	page := views.RevokeSincePage{
		Now: by.Device.LastSeenAt, Device: where.row(say(r), o.Device, by), Ended: !o.End.Live(), Bound: s.bound(say(r)), Factors: factorsSince(say(r), o), Problems: problems,
	}
	shown := min(len(o.Later), device.ListPage)
	for _, d := range o.Later[:shown] {
		page.Later = append(page.Later, where.row(say(r), d, by))
	}
	page.More = len(o.Later) - shown
	if o.HasFactors() {
		options, err := s.confirm.OptionsWithout(r.Context(), by.User, o.Young)
		if err != nil {
			return err
		}
		page.Confirm, page.CannotConfirm = confirmFields(options), options.None()
		if page.CannotConfirm { // there is no field to say it beside
			for _, text := range problems.Fields {
				page.Problems = views.FormProblems{Summary: text}
			}
		}
	}
	page.Shell = s.shell(w, r, say(r).SinceTitle(), "devices")
	return render(w, r, status, views.RevokeSince(page))
}

// factorsSince names what was added since.
func factorsSince(p catalog.Printer, o device.Since) (list []catalog.Sentence) {
	for _, f := range o.Passkeys {
		list = append(list, p.SincePasskey(f.Name))
	}
	if o.App {
		list = append(list, catalog.Sentence{Text: p.SinceApp()})
	}
	if o.Codes {
		list = append(list, catalog.Sentence{Text: p.SinceCodes()})
	}
	return list
}

// deviceRevokeSince signs out a device and everything since. The form that removes factors says so, and is confirmed.
func (s *Server) deviceRevokeSince(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "factors")
	if err != nil {
		return err
	}
	var confirmation *confirm.Confirmation
	if p["factors"] == "remove" {
		confirmation = &c
	}
	done, err := s.devices.RevokeSince(r.Context(), by, r.PathValue("id"), confirmation, c.From)
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).SinceRefused())
		if !ok || confirmation == nil {
			return err
		}
		return s.renderRevokeSince(w, r, by, status, problems)
	}
	s.cookies.leave(w, r, sinceNotice(say(r), r.PathValue("id"), done))
	return redirect(w, r, securePath)
}

// sinceNotice says what was done, and leads to what is left.
func sinceNotice(p catalog.Printer, id string, done models.SinceDone) views.Flash {
	text := p.SinceDoneNone(done.Name)
	if done.Later > 0 {
		text = p.SinceDone(int(done.Later), done.Name)
	}
	message := notice(views.ToneSuccess, text)
	switch {
	case !done.Left.None():
		message.Detail, message.Next = p.SinceLeft(), &views.Link{URL: devicePath(id) + "/revoke-since", Text: p.SinceLeftLink()}
	case !done.Factors.None():
		message.Detail = factorsRemoved(p, done.Factors.String())
	default:
		message.Detail = p.RevokeDoneUnknown()
	}
	return message
}
