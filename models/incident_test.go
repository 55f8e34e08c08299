package models_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// eachWithIncidents is modelstest.Each, but for Citus, where incidents are refused.
func eachWithIncidents(t *testing.T, fn func(t *testing.T, s *models.Store)) {
	t.Helper()
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		switch err := s.OneNode(t.Context()); {
		case modelstest.OnCitus() && errors.Is(err, models.ErrDistributed):
			t.Skip("incidents are refused on Citus")
		case err != nil:
			t.Fatal(err)
		}
		fn(t, s)
	})
}

// running is an incident that began an hour after noon and is claimed by a worker.
func running(t testing.TB, s *models.Store, worker string) models.Incident {
	t.Helper()
	at := noon.Add(time.Hour)
	i := models.Incident{ID: models.NewID(at), CreatedAt: at, Filter: models.IncidentFilter{Clients: []string{"app-1"}}, CreatedBy: "ada@host"}
	if err := s.AddIncident(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartIncident(t.Context(), models.IncidentStart{ID: i.ID, By: "ada@host", Words: "Sorry.", At: at, Since: at.Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	i, err := s.ClaimIncident(t.Context(), i.ID, worker, at, at.Add(15*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// batchOf is the next batch of an incident, which signs the given devices out. They are all behind its place.
func batchOf(i models.Incident, worker string, list ...models.Device) models.IncidentBatch {
	at := noon.Add(2 * time.Hour)
	b := models.IncidentBatch{
		ID: i.ID, Worker: worker, At: at, Until: at.Add(15 * time.Second), After: models.DeviceKey{UserID: i.AfterUser, ID: i.AfterDevice}, LastUser: i.LastUser, Seen: int64(len(list)),
		Event: func(user uuid.UUID, devices int) models.Event {
			e := event(models.EventIncident, user, at)
			e.ID, e.Actor, e.More = uuid.NewSHA1(i.ID, user[:]), models.ActorOperator, int64(devices-1)
			return e
		},
	}
	list = slices.SortedFunc(slices.Values(list), byKey)
	for _, d := range list {
		b.To = models.DeviceKey{UserID: d.UserID, ID: d.ID}
		b.Devices = append(b.Devices, b.To)
	}
	return b
}

func byKey(a, b models.Device) int {
	return slices.Compare(append(a.UserID[:], a.ID[:]...), append(b.UserID[:], b.ID[:]...))
}

func endBatch(t testing.TB, s *models.Store, b models.IncidentBatch) models.IncidentBatchDone {
	t.Helper()
	done, err := s.EndIncidentBatch(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// incidentOf reads an incident again.
func incidentOf(t testing.TB, s *models.Store, i models.Incident) models.Incident {
	t.Helper()
	i, err := s.Incident(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestABatchOfAnIncidentDoesWhatEveryRevocationDoes(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		addTold(t, s)
		one, two := addUser(t, s), addUser(t, s)
		list := []models.Device{addAppOf(t, s, one.ID, "told", "phone"), addAppOf(t, s, one.ID, "untold", "tablet"), addAppOf(t, s, two.ID, "app-1", "phone")}
		kept, gone := addAppOf(t, s, two.ID, "told", "kept"), addAppOf(t, s, two.ID, "untold", "gone")
		if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: two.ID, ID: gone.ID}, event(models.EventDeviceRevoked, two.ID, noon)); err != nil {
			t.Fatal(err)
		}
		exec(t, s, `INSERT INTO consents SELECT id, 'told', '', created_at FROM users`)
		i := running(t, s, "w")
		b := batchOf(i, "w", append(list, gone)...)
		if done := endBatch(t, s, b); done.Devices != 3 || done.Accounts != 2 {
			t.Errorf("%+v", done)
		}
		for _, d := range list {
			if got := device(t, s, d); got.RevokedAt == nil || !got.RevokedAt.Equal(b.At) || got.RevokeReason != models.RevokedByIncident || got.RevokedBy != models.ActorOperator {
				t.Errorf("%s: %+v", d.Name, got)
			}
		}
		if d := device(t, s, kept); d.RevokedAt != nil {
			t.Error("one that was not selected is signed out")
		}
		if d := device(t, s, gone); d.RevokeReason == models.RevokedByIncident {
			t.Error("one that was out is signed out once more")
		}
		if told := notices(t, s, b.At); !slices.Contains(told, list[0].ID) || slices.Contains(told, kept.ID) {
			t.Errorf("clients are told of %v", told)
		}
		if n := count(t, s, "SELECT count(*) FROM consents WHERE user_id = ?", one.ID.String()); n != 0 {
			t.Error("the consent stays")
		}
		if n := count(t, s, "SELECT count(*) FROM consents WHERE user_id = ?", two.ID.String()); n != 1 {
			t.Error("the consent of an account ended, none of whose devices of the client was signed out")
		}
		places, err := revokedPlaces(t, s, b.At.Add(-time.Second))
		if err != nil || len(places) != 0 { // these have none
			t.Errorf("%v %v", places, err)
		}
		for u, want := range map[uuid.UUID]int64{one.ID: 1, two.ID: 0} {
			list := events(t, s, u)
			if list[0].Kind != models.EventIncident || list[0].More != want || list[0].Actor != models.ActorOperator {
				t.Errorf("%+v", list[0])
			}
		}
		if now := incidentOf(t, s, i); now.Devices != 3 || now.Accounts != 2 || now.Seen != 4 || now.Batches != 1 || now.AfterUser != b.To.UserID || now.AfterDevice != b.To.ID {
			t.Errorf("%+v", now)
		}
	})
}

// The devices of an account come in two batches: its event counts them all, and the account counts once.
func TestTwoBatchesOfOneAccountAreOneEvent(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		var list []models.Device
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			list = append(list, addApp(t, s, u.ID, name))
		}
		slices.SortFunc(list, byKey)
		i := running(t, s, "w")
		for _, part := range [][]models.Device{list[:2], list[2:3], list[3:]} {
			endBatch(t, s, batchOf(incidentOf(t, s, i), "w", part...))
		}
		if now := incidentOf(t, s, i); now.Accounts != 1 || now.Devices != 5 || now.Batches != 3 {
			t.Errorf("%+v", now)
		}
		if n := count(t, s, "SELECT devices FROM incident_notices WHERE user_id = ? AND incident_id = ?", u.ID.String(), i.ID.String()); n != 5 {
			t.Errorf("its mail is about %d", n)
		}
		if n := countEvents(t, s, u, models.EventIncident); n != 1 {
			t.Errorf("%d events", n)
		}
		if e := eventOf(t, s, u, models.EventIncident); e.More != 4 {
			t.Errorf("the event stands for %d", e.More+1)
		}
	})
}

// A batch that another process has done, that was paused, or whose worker lost the incident changes nothing.
func TestABatchThatIsNotDueChangesNothing(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		i := running(t, s, "w")
		early := batchOf(i, "w", d)
		late := early
		late.After = models.DeviceKey{UserID: u.ID, ID: u.ID}
		for name, b := range map[string]models.IncidentBatch{"another process": batchOf(i, "other", d), "another place": late} {
			if _, err := s.EndIncidentBatch(t.Context(), b); !errors.Is(err, models.ErrChanged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.PauseIncident(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.EndIncidentBatch(t.Context(), early); !errors.Is(err, models.ErrChanged) {
			t.Errorf("paused: %v", err)
		}
		if device(t, s, d).RevokedAt != nil || countEvents(t, s, u, models.EventIncident) != 0 || incidentOf(t, s, i).Devices != 0 {
			t.Error("something has changed")
		}
		if _, err := s.ResumeIncident(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.EndIncidentBatch(t.Context(), early); !errors.Is(err, models.ErrChanged) {
			t.Errorf("resumed, and not claimed again: %v", err)
		}
	})
}

func TestOneProcessHasAnIncident(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		i := running(t, s, "dead")
		until := *i.WorkedUntil
		claim := func(worker string, at time.Time) error {
			return second(s.ClaimIncident(t.Context(), i.ID, worker, at, at.Add(15*time.Second)))
		}
		if err := claim("next", until.Add(-time.Microsecond)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("before the end of the claim: %v", err)
		}
		if err := claim("dead", until.Add(-time.Microsecond)); err != nil {
			t.Errorf("the same process: %v", err)
		}
		if err := claim("next", until.Add(time.Minute)); err != nil {
			t.Errorf("after the end: %v", err)
		}
		if err := claim("third", until.Add(-time.Hour)); err != nil {
			t.Errorf("a claim of a clock that was wrong: %v", err)
		}
		if _, err := s.FinishIncident(t.Context(), i.ID, "next", models.DeviceKey{}, 0, until); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a process that lost it ends it: %v", err)
		}
		if done, err := s.FinishIncident(t.Context(), i.ID, "third", models.DeviceKey{}, 0, until); err != nil || done.State != models.IncidentDone {
			t.Errorf("%+v %v", done, err)
		}
		if err := claim("third", until); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("one that is done: %v", err)
		}
	})
}

func TestOneIncidentRunsAtATime(t *testing.T) {
	eachWithIncidents(t, func(t *testing.T, s *models.Store) {
		first := running(t, s, "w")
		next := models.Incident{ID: models.NewID(noon), CreatedAt: noon}
		if err := s.AddIncident(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		start := func(since time.Time) error {
			return second(s.StartIncident(t.Context(), models.IncidentStart{ID: next.ID, At: noon, Since: since}))
		}
		if err := start(noon.Add(-time.Minute)); !errors.Is(err, models.ErrDuplicate) {
			t.Errorf("while one runs: %v", err)
		}
		if _, err := s.PauseIncident(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if err := start(noon); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("a preview that is too old: %v", err)
		}
		if err := start(noon.Add(-time.Minute)); err != nil {
			t.Errorf("while one is paused: %v", err)
		}
		if _, err := s.ResumeIncident(t.Context(), first.ID); !errors.Is(err, models.ErrDuplicate) {
			t.Errorf("the paused one, while another runs: %v", err)
		}
		if err := start(noon.Add(-time.Minute)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("once more: %v", err)
		}
	})
}
