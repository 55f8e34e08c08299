package services_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/incident"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// eachWithIncidents is modelstest.Each with a desk, but for Citus, where incidents are refused.
func eachWithIncidents(t *testing.T, fn func(t *testing.T, d *desk)) {
	t.Helper()
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		if modelstest.OnCitus() {
			_, err := d.Incidents.Preview(t.Context(), incident.Request{Filter: models.IncidentFilter{Unbound: true}})
			if auth.AsError(err).Kind != auth.KindNotAllowed {
				t.Errorf("on Citus: %v", err)
			}
			return
		}
		fn(t, d)
	})
}

// appAt signs ada in on an app of a client.
func (d *desk) appAt(t *testing.T, client, name, ip string) token.Answer {
	t.Helper()
	answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: name, ClientID: client, From: at(ip)})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// ofClients asks for the apps of some clients that signed in until half a minute ago.
func (d *desk) ofClients(ids ...string) incident.Request {
	to := d.now().Add(-30 * time.Second)
	return incident.Request{Filter: models.IncidentFilter{Clients: ids, To: &to}, By: "grace@ops"}
}

func (d *desk) preview(t *testing.T, r incident.Request) models.Incident {
	t.Helper()
	i, err := d.Incidents.Preview(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func quiet(models.Incident, bool) {}

// revoked previews an incident, confirms it and works it off.
func (d *desk) revoked(t *testing.T, r incident.Request) models.Incident {
	t.Helper()
	i := d.preview(t, r)
	if _, err := d.Incidents.Confirm(t.Context(), i.ID, incident.Request{By: "grace@ops"}, incident.Start{}); err != nil {
		t.Fatal(err)
	}
	i, err := d.Incidents.Work(t.Context(), i.ID, quiet)
	if err != nil || i.State != models.IncidentDone {
		t.Fatalf("%+v, %v", i, err)
	}
	return i
}

func TestAnIncidentSignsOutWhatItsPreviewCounted(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		stolen, other := []token.Answer{d.appAt(t, "mobile", "phone", "192.0.2.1"), d.appAt(t, "mobile", "tablet", "192.0.2.1")}, d.appAt(t, "tv", "television", "192.0.2.1")
		by := d.browse(t, "browser", "192.0.2.1")
		d.advance(time.Minute)
		i := d.preview(t, d.ofClients("mobile", "mobil"))
		if c := i.Counts; c.Live != 4 || c.Devices != 2 || c.Accounts != 1 || c.Browsers != 0 || c.Bound != 0 || c.Active != 2 || c.Clients["mobile"] != 2 || len(c.Clients) != 2 {
			t.Errorf("counted %+v", c)
		}
		if n := len(d.eventsOf(t, d.ada.ID)); n != 5 {
			t.Errorf("%d events after a preview", n)
		}
		d.refreshed(t, stolen[0])
		done := d.revoked(t, d.ofClients("mobile"))
		if done.Devices != 2 || done.Accounts != 1 || done.Seen != 4 || done.FinishedAt == nil || done.AfterUser != uuid.Nil || done.LastUser != uuid.Nil {
			t.Errorf("%+v", done)
		}
		for _, a := range stolen {
			if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: a.RefreshToken, From: at("192.0.2.1")}); auth.AsError(err).Reason != token.ReasonRevoked {
				t.Errorf("%s refreshes: %v", a.DeviceName, err)
			}
		}
		d.refreshed(t, other)
		if _, err := d.store.LiveDevice(t.Context(), d.ada.ID, by.Device.ID, d.live()); err != nil {
			t.Errorf("the browser, which has no client: %v", err)
		}
		e := d.eventsOf(t, d.ada.ID)[0]
		if e.Kind != models.EventIncident || e.Actor != models.ActorOperator || e.More != 1 || e.Detail != "" {
			t.Errorf("%+v", e)
		}
		if again, err := d.Incidents.Work(t.Context(), done.ID, quiet); err != nil || again.Devices != 2 {
			t.Errorf("once more: %+v, %v", again, err)
		}
		d.advance(time.Minute)
		d.appAt(t, "mobile", "phone", "192.0.2.1")
		if _, back, err := d.Incidents.Show(t.Context(), done.ID); err != nil || back.Devices != 1 || back.Accounts != 1 {
			t.Errorf("came back: %+v, %v", back, err)
		}
	})
}

func (d *desk) refreshed(t *testing.T, a token.Answer) {
	t.Helper()
	if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: a.RefreshToken, From: at("192.0.2.1")}); err != nil {
		t.Errorf("%s: %v", a.DeviceName, err)
	}
}

func TestAnIncidentWithoutItsOwnFreshPreviewIsRefused(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.appAt(t, "mobile", "phone", "192.0.2.1")
		d.appAt(t, "tv", "television", "192.0.2.1")
		d.advance(time.Minute)
		asked := d.ofClients("mobile")
		i, other := d.preview(t, asked), d.preview(t, d.ofClients("tv"))
		wider := d.ofClients("mobile", "tv")
		wider.Filter.To = asked.Filter.To
		confirm := func(id uuid.UUID, r incident.Request) (models.Incident, error) {
			return d.Incidents.Confirm(t.Context(), id, r, incident.Start{})
		}
		for name, c := range map[string]struct {
			id   uuid.UUID
			r    incident.Request
			want auth.Kind
		}{
			"no preview":                      {uuid.New(), asked, auth.KindNotFound},
			"a wider filter":                  {i.ID, wider, auth.KindNotAllowed},
			"the filter of another preview":   {other.ID, asked, auth.KindNotAllowed},
			"passwords that no one was shown": {i.ID, incident.Request{RequireReset: true}, auth.KindNotAllowed},
		} {
			if _, err := confirm(c.id, c.r); auth.AsError(err).Kind != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := confirm(i.ID, asked); err != nil {
			t.Errorf("with the same filter once more: %v", err)
		}
		if _, err := confirm(i.ID, asked); auth.AsError(err).Kind != auth.KindNotAllowed {
			t.Errorf("twice: %v", err)
		}
		if _, err := confirm(other.ID, incident.Request{}); auth.AsError(err).Kind != auth.KindNotAllowed || !strings.Contains(err.Error(), i.ID.String()) {
			t.Errorf("while one runs: %v", err)
		}
		if _, err := d.Incidents.Pause(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		d.advance(incident.PreviewLife)
		if _, err := confirm(other.ID, incident.Request{}); auth.AsError(err).Kind != auth.KindNotAllowed || !strings.Contains(err.Error(), "older") {
			t.Errorf("after its time: %v", err)
		}
		for _, id := range []uuid.UUID{other.ID, i.ID} {
			if _, err := d.Incidents.Pause(t.Context(), id); auth.AsError(err).Kind != auth.KindNotAllowed {
				t.Errorf("pause: %v", err)
			}
		}
		if _, err := d.Incidents.Resume(t.Context(), other.ID); auth.AsError(err).Kind != auth.KindNotAllowed {
			t.Errorf("resume a preview: %v", err)
		}
		if err := second(d.Operator.Sweep(t.Context())); err != nil {
			t.Fatal(err)
		}
		if list, err := d.Incidents.List(t.Context()); err != nil || len(list) != 1 || list[0].ID != i.ID {
			t.Errorf("after a sweep: %+v, %v", list, err)
		}
		d.refusedPreviews(t)
	})
}

// refusedPreviews asks for previews that are refused.
func (d *desk) refusedPreviews(t *testing.T) {
	t.Helper()
	from := d.now().Add(-time.Hour)
	for name, c := range map[string]struct {
		r    incident.Request
		want auth.Kind
	}{
		"an empty filter":         {incident.Request{}, auth.KindInvalidRequest},
		"nothing to sign out":     {d.ofClients("mobil"), auth.KindNotAllowed},
		"passwords without mail":  {incident.Request{Filter: models.IncidentFilter{From: &from}, RequireReset: true}, auth.KindNotAllowed},
		"passwords without since": {incident.Request{Filter: models.IncidentFilter{Unbound: true}, RequireReset: true}, auth.KindInvalidRequest},
	} {
		if _, err := d.Incidents.Preview(t.Context(), c.r); auth.AsError(err).Kind != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Sign-ins from before the start that are not committed yet are waited for, and those after it are left alone.
func TestTheSelectionIsFrozenAtTheStart(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.appAt(t, "mobile", "phone", "192.0.2.1")
		i := d.preview(t, incident.Request{Filter: models.IncidentFilter{Clients: []string{"mobile"}}})
		between := d.appAt(t, "mobile", "between", "192.0.2.1") // counted by no preview, and from before the start
		d.advance(time.Second)
		if _, err := d.Incidents.Confirm(t.Context(), i.ID, incident.Request{}, incident.Start{}); err != nil {
			t.Fatal(err)
		}
		d.advance(time.Second)
		after := d.appAt(t, "mobile", "after", "192.0.2.1")
		waited := 0
		done, err := d.Incidents.Work(t.Context(), i.ID, func(i models.Incident, _ bool) {
			if i.Devices == 0 && d.now().Sub(*i.StartedAt) < 15*time.Second {
				waited++
			}
			d.advance(7 * time.Second)
		})
		if err != nil || done.Devices != 2 || waited != 2 {
			t.Errorf("%+v, waited %d times: %v", done, waited, err)
		}
		d.refreshed(t, after)
		if _, err := d.Tokens.Refresh(t.Context(), token.RefreshRequest{Token: between.RefreshToken, From: at("192.0.2.1")}); auth.AsError(err).Reason != token.ReasonRevoked {
			t.Errorf("between preview and start: %v", err)
		}
	})
}

// Two processes, each told to work, do the work once; so does one after a pause.
func TestTheWorkIsDoneOnceWhoeverDoesIt(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.change(t, func(c *services.Config) { c.Budgets.Window, c.Budgets.Day = 1000, 1000 })
		const many = 40
		for range many {
			d.appAt(t, "mobile", "phone", "192.0.2.1")
		}
		d.advance(time.Minute)
		i := d.preview(t, d.ofClients("mobile"))
		if _, err := d.Incidents.Confirm(t.Context(), i.ID, incident.Request{}, incident.Start{}); err != nil {
			t.Fatal(err)
		}
		i, err := d.Incidents.Work(t.Context(), i.ID, func(i models.Incident, _ bool) {
			if i.Devices > 0 {
				_, _ = d.Incidents.Pause(t.Context(), i.ID) // an error would leave it running
			}
		})
		if err != nil || i.State != models.IncidentPaused || i.Devices == 0 || i.Devices == many {
			t.Fatalf("%+v, %v", i, err)
		}
		if _, err := d.Incidents.Resume(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		other, err := services.New(d.store, d.config)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		for _, s := range []*services.Services{d.Services, other} {
			go func() { ended <- second(s.Incidents.Work(t.Context(), i.ID, quiet)) }()
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		done, _, err := d.Incidents.Show(t.Context(), i.ID)
		if err != nil || done.Devices != many || done.Accounts != 1 || done.Seen != many || done.State != models.IncidentDone {
			t.Errorf("%+v, %v", done, err)
		}
		var events []models.Event
		for _, e := range d.eventsOf(t, d.ada.ID) {
			if e.Kind == models.EventIncident {
				events = append(events, e)
			}
		}
		if len(events) != 1 || events[0].More != many-1 {
			t.Errorf("%+v", events)
		}
	})
}

// A process stops or dies; a server that runs goes on by itself.
func TestAServerGoesOnWithAnIncidentThatNoProcessWorksOn(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.appAt(t, "mobile", "phone", "192.0.2.1")
		d.advance(time.Minute)
		i := d.preview(t, d.ofClients("mobile"))
		if _, err := d.Incidents.Confirm(t.Context(), i.ID, incident.Request{}, incident.Start{}); err != nil {
			t.Fatal(err)
		}
		if err := second(d.store.ClaimIncident(t.Context(), i.ID, "dead", d.now(), d.now().Add(15*time.Second))); err != nil {
			t.Fatal(err)
		}
		d.advance(15 * time.Second)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go d.Incidents.Run(ctx)
		for range 300 {
			if i, err := d.store.Incident(t.Context(), i.ID); err != nil || i.State == models.IncidentDone {
				if i.Devices != 1 || err != nil {
					t.Errorf("%+v, %v", i, err)
				}
				return
			}
			<-time.After(100 * time.Millisecond)
		}
		t.Error("no process went on")
	})
}

func TestAnIncidentThatRequiresAResetLocksTheAccounts(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.change(t, func(c *services.Config) { c.Mail = &taking{} })
		d.appAt(t, "mobile", "phone", "192.0.2.1")
		from := d.now()
		d.advance(time.Minute)
		r := d.ofClients("mobile")
		r.Filter.From, r.RequireReset = &from, true
		d.revoked(t, r)
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("a sign-in with the old password: kind %d", kind)
		}
		d.toldOfLock(t)
	})
}

// toldOfLock checks that the owner is told that the password was locked.
func (d *desk) toldOfLock(t *testing.T) {
	t.Helper()
	if list := d.eventsOf(t, d.ada.ID); !slices.ContainsFunc(list, func(e models.Event) bool { return e.Kind == models.EventIncident && e.Detail == incident.LockedDetail }) {
		t.Errorf("the owner is not told: %+v", list)
	}
}

// A thief who signs the device out once the incident has begun, and in again, does not keep the password.
func TestAnIncidentLocksTheAccountOfADeviceThatHasEndedSince(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, d *desk) {
		d.change(t, func(c *services.Config) { c.Mail = &taking{} })
		a, from := d.appAt(t, "mobile", "phone", "192.0.2.1"), d.now()
		d.advance(time.Minute)
		r := d.ofClients("mobile")
		r.Filter.From, r.RequireReset = &from, true
		i := d.preview(t, r)
		if _, err := d.Incidents.Confirm(t.Context(), i.ID, incident.Request{By: "grace@ops"}, incident.Start{}); err != nil {
			t.Fatal(err)
		}
		d.advance(time.Second)
		if err := d.Tokens.Revoke(t.Context(), token.RefreshRequest{Token: a.RefreshToken, From: at("192.0.2.1")}); err != nil {
			t.Fatal(err)
		}
		if i, err := d.Incidents.Work(t.Context(), i.ID, quiet); err != nil || i.State != models.IncidentDone || i.Devices != 0 || i.Accounts != 1 {
			t.Fatalf("%+v, %v", i, err)
		}
		if kind := d.try(t, adaEmail, adaPassword, at("192.0.2.1")); kind != auth.KindInvalidCredential {
			t.Errorf("a sign-in with the old password: kind %d", kind)
		}
		d.toldOfLock(t)
	})
}

func TestTheReturnWaveIsMeasured(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		i := models.Incident{RequireReset: true, Counts: models.IncidentCounts{Devices: 1000, Accounts: 100, Passkeys: 300}}
		w, err := d.Incidents.Wave(t.Context(), i)
		if err != nil || w.Passwords != 800 || w.Rate <= 0 {
			t.Fatalf("%+v, %v", w, err)
		}
		if want := time.Duration(800 / w.Rate * float64(time.Second)); w.Lasts != want {
			t.Errorf("%v, want %v", w.Lasts, want)
		}
	})
}
