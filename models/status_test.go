package models_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// inPlace is a sign-in that tries the given status indexes and then those after the last one.
func inPlace(n models.NewDevice, places ...int64) models.NewDevice {
	n.StatusIndex = func(try int) int64 {
		if try < len(places) {
			return places[try]
		}
		return places[len(places)-1] + int64(try-len(places)) + 1
	}
	return n
}

func TestAPlaceInTheStatusListsIsHeldByOneDevice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		if last, err := s.LastStatusIndex(t.Context()); err != nil || last != -1 {
			t.Errorf("before the first device: %d, %v", last, err)
		}
		users := []models.User{addUser(t, s), addUser(t, s), addUser(t, s), addUser(t, s)}
		var mu sync.Mutex
		var got []int64
		together(20, func(i int) {
			n := signIn(users[i%4].ID, models.KindApp, time.Duration(i).String(), noon)
			d, err := s.AddDevice(t.Context(), inPlace(n, 7, 3))
			if err != nil {
				t.Errorf("sign-in %d: %v", i, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, *d.StatusIndex)
		})
		slices.Sort(got)
		if compact := slices.Compact(slices.Clone(got)); len(compact) != 20 || got[0] != 3 {
			t.Errorf("twenty sign-ins at once were given %v", got)
		}
		if last, err := s.LastStatusIndex(t.Context()); err != nil || last != got[len(got)-1] {
			t.Errorf("the last place is %d, %v; given were %v", last, err, got)
		}
		if d := add(t, s, signIn(users[0].ID, models.KindBrowser, "Firefox", noon)); device(t, s, d).StatusIndex != nil {
			t.Error("a browser holds a place")
		}
	})
}

func TestASignInThatFindsNoFreePlaceLeavesNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", noon), 5))
		n := signIn(u.ID, models.KindApp, "tablet", noon)
		n.StatusIndex = func(int) int64 { return 5 }
		if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if all := count(t, s, "SELECT count(*) FROM devices"); all != 1 || *device(t, s, d).StatusIndex != 5 {
			t.Errorf("%d devices", all)
		}
		over := inPlace(signIn(u.ID, models.KindApp, "watch", noon), 9)
		over.Max = 1
		if _, err := s.AddDevice(t.Context(), over); !errors.Is(err, models.ErrTooManyDevices) {
			t.Errorf("past the limit: %v", err)
		}
		if held := count(t, s, "SELECT count(*) FROM status_indexes"); held != 1 {
			t.Errorf("%d places are held after refused sign-ins", held)
		}
	})
}

// revokedPlaces are the indexes of the places of the devices that were revoked after since.
func revokedPlaces(t testing.TB, s *models.Store, since time.Time) (indexes []int64, err error) {
	t.Helper()
	err = s.RevokedPlaces(t.Context(), since, func(p models.RevokedPlace) { indexes = append(indexes, p.Index) })
	return indexes, err
}

func TestThePlacesOfRevokedDevicesAreListed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		revoke := func(d models.Device, at time.Time) {
			e := event(models.EventDeviceRevoked, u.ID, at)
			if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, e); err != nil {
				t.Fatal(err)
			}
		}
		old := add(t, s, inPlace(signIn(u.ID, models.KindApp, "old", noon), 1))
		add(t, s, inPlace(signIn(u.ID, models.KindApp, "live", noon), 2))
		stolen := add(t, s, inPlace(signIn(u.ID, models.KindApp, "stolen", noon), 1<<40))
		browser := add(t, s, signIn(u.ID, models.KindBrowser, "Firefox", noon))
		revoke(old, noon.Add(time.Second))
		revoke(stolen, noon.Add(time.Minute))
		revoke(browser, noon.Add(time.Minute))
		over := add(t, s, inPlace(signIn(u.ID, models.KindApp, "over", noon), 4)) // its place may be another's by now
		exec(t, s, "UPDATE devices SET expires_at = created_at WHERE status_index = 4")
		revoke(over, noon.Add(time.Minute))
		for since, want := range map[time.Duration][]int64{0: {1, 1 << 40}, time.Second: {1 << 40}, time.Minute: nil} {
			got, err := revokedPlaces(t, s, noon.Add(since))
			slices.Sort(got)
			if err != nil || cmp.Diff(want, got, cmp.Transformer("set", func(l []int64) []int64 { return append([]int64{}, l...) })) != "" {
				t.Errorf("since %v: %v, %v; want %v", since, got, err, want)
			}
		}
	})
}

func TestAPlaceIsFreeAgainLongAfterItsDeviceOnly(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", noon), 5))
		exec(t, s, "DELETE FROM devices")
		taken := func() int64 {
			d := add(t, s, inPlace(signIn(u.ID, models.KindApp, models.NewID(noon).String(), noon), 5))
			return *d.StatusIndex
		}
		if got := taken(); got == 5 {
			t.Error("the place of a deleted device was given away")
		}
		if _, err := s.Sweep(t.Context(), models.Retention{StatusBefore: d.ExpiresAt}); err != nil {
			t.Fatal(err)
		}
		if got := taken(); got == 5 {
			t.Error("the place was swept before its device's end")
		}
		if _, err := s.Sweep(t.Context(), models.Retention{StatusBefore: d.ExpiresAt.Add(time.Microsecond)}); err != nil {
			t.Fatal(err)
		}
		if got := taken(); got != 5 {
			t.Errorf("after the sweep the place is still held; got %d", got)
		}
	})
}
