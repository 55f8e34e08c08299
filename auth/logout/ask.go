package logout

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/models"
)

// Request is what an app asks of a person's browser (RP-Initiated Logout §2). Nothing of it is certain.
type Request struct {
	IDTokenHint   string
	ClientID      string
	PostLogoutURI string
	State         string
}

// Question is what a person can end, and what is known of the app that asks.
type Question struct {
	Client *models.Client   // that asks; nil: it is not certain which one does
	App    *models.Device   // that the ID token names, and that is live; nil: no app can be signed out
	By     *browser.Session // of the browser; nil: no one is signed in
	// Return is the registered URI where the browser goes afterwards, with the state; empty: it stays here.
	Return string
}

// Ask checks a request of an app. by is the browser's session; nil: no one is signed in. What cannot be verified is left out, as if the
// app had not said it: an ID token that this server did not sign, a client_id that is not the token's audience, and a URI that is not
// registered for exactly that client.
//
// The device of another account than the browser's is left out, too: another person is signed in here. Where no one is
// signed in, an ID token is enough to end its device, as an access token is at the revocation endpoint.
func (s *Service) Ask(ctx context.Context, r Request, by *browser.Session) (Question, error) {
	q := Question{By: by}
	h, hinted := s.tokens.ReadIDHint(r.IDTokenHint)
	id := r.ClientID
	switch {
	case hinted && id == "":
		id = h.ClientID
	case hinted && id != h.ClientID: // one of the two is another app's
		id, hinted = "", false
	}
	if id != "" {
		c, err := s.clients.Find(ctx, id)
		switch {
		case err == nil:
			q.Client = &c
		case !errors.Is(err, models.ErrNotFound):
			return q, err
		}
	}
	if q.Client != nil && r.PostLogoutURI != "" && client.AllowsPostLogout(*q.Client, r.PostLogoutURI) {
		q.Return = withState(r.PostLogoutURI, r.State)
	}
	if !hinted || by != nil && by.User.ID != h.Device.UserID {
		return q, nil
	}
	d, err := s.store.LiveDevice(ctx, h.Device.UserID, h.Device.ID, s.idle.Live(s.clock.Now()))
	switch {
	case errors.Is(err, models.ErrNotFound):
	case err != nil:
		return q, err
	case d.Kind == models.KindApp && d.ClientID == h.ClientID:
		q.App = &d
	}
	return q, nil
}

// withState adds the app's state to its URI.
func withState(uri, state string) string {
	if state == "" {
		return uri
	}
	joint := "?"
	if strings.Contains(uri, joint) {
		joint = "&"
	}
	return uri + joint + url.Values{"state": {state}}.Encode()
}

// Ends is what a person chose to end.
type Ends struct{ App, Browser bool }

// End ends what a person chose, as far as Ask finds it, in one transaction. It returns the question as it was before, with App and By nil
// for what did not end. To end again what has ended is no error.
func (s *Service) End(ctx context.Context, r Request, by *browser.Session, ends Ends, from auth.Caller) (Question, error) {
	q, err := s.Ask(ctx, r, by)
	if err != nil {
		return q, err
	}
	var user uuid.UUID
	var ids []uuid.UUID
	if q.App != nil && ends.App {
		user, ids = q.App.UserID, append(ids, q.App.ID)
	} else {
		q.App = nil
	}
	if q.By != nil && ends.Browser {
		user, ids = q.By.User.ID, append(ids, q.By.Device.ID)
	} else {
		q.By = nil
	}
	e := auth.NewEvent(models.EventSignOut, user, from, s.clock.Now())
	e.Detail = string(models.RevokedBySignOut)
	_, err = s.store.RevokeSelected(ctx, user, ids, e)
	return q, err
}
