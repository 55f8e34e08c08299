package models_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func liveNames(t *testing.T, s *models.Store, userID uuid.UUID) []string {
	t.Helper()
	list, err := s.LiveDevices(t.Context(), userID, live(noon))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range list {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

func TestSignInsUnderOneNameAtOneInstantAreNumbered(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, n := range []int{2, 2, 2, 20} {
			u := addUser(t, s)
			together(n, func(int) {
				if _, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "phone", noon)); err != nil {
					t.Error(err)
				}
			})
			pick, want := named("phone"), []string{}
			for range n {
				want = append(want, pick(func(name string) bool { return slices.Contains(want, name) }))
			}
			slices.Sort(want)
			if got := liveNames(t, s, u.ID); !slices.Equal(got, want) {
				t.Errorf("%d sign-ins left %q", n, got)
			}
		}
	})
}

func TestSignInsThatRaceForTheLastPlacesNeverExceedTheLimit(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for range rounds(s, 8, 3) {
			u := addUser(t, s)
			var refused atomic.Int64
			together(24, func(i int) {
				kind := []string{models.KindApp, models.KindBrowser}[i%2]
				n := signIn(u.ID, kind, kind, noon.Add(time.Duration(i)))
				n.Max = 5
				_, err := s.AddDevice(t.Context(), n)
				if errors.Is(err, models.ErrTooManyDevices) && kind == models.KindApp {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
			apps := count(t, s, "SELECT count(*) FROM devices WHERE user_id = ? AND kind = 'app' AND revoked_at IS NULL", u.ID.String())
			browsers := count(t, s, "SELECT count(*) FROM devices WHERE user_id = ? AND kind = 'browser' AND revoked_at IS NULL", u.ID.String())
			if apps != 5 || browsers != 5 || refused.Load() != 7 {
				t.Errorf("%d apps, %d browsers, %d refused", apps, browsers, refused.Load())
			}
		}
	})
}

// hurry runs many rounds concurrently, because a round mostly waits.
func hurry(s *models.Store, postgres, sqlite int, round func()) {
	var left atomic.Int64
	left.Store(int64(rounds(s, postgres, sqlite)))
	together(6, func(int) {
		for left.Add(-1) >= 0 {
			round()
		}
	})
}

// A sign-in that checked the old password and the change of that password: in either order no device of the old
// password is left.
func TestNoDeviceOfTheOldPasswordSurvivesItsChange(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var early, late atomic.Int64
		hurry(s, 300, 60, func() {
			u := addUser(t, s)
			together(3, func(i int) {
				time.Sleep(rand.N(time.Millisecond))
				if i == 0 {
					_, err := s.ChangePassword(t.Context(), models.PasswordChange{
						UserID: u.ID, Proof: models.Proof{Verified: password}, Hash: "hash-2", At: noon, By: models.ActorOwner, Event: event(models.EventPasswordChanged, u.ID, noon),
					})
					if err != nil {
						t.Error(err)
					}
					return
				}
				_, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "phone", noon))
				switch {
				case err == nil:
					early.Add(1)
				case errors.Is(err, models.ErrChanged):
					late.Add(1)
				default:
					t.Error(err)
				}
			})
			if names := liveNames(t, s, u.ID); len(names) > 0 {
				t.Errorf("alive after the change: %q", names)
			}
		})
		if !testing.Short() && (early.Load() == 0 || late.Load() == 0) {
			t.Errorf("%d sign-ins were earlier and %d later: that is no race", early.Load(), late.Load())
		}
	})
}

func TestNoDeviceSurvivesTheDisablingOfItsAccount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var early, late atomic.Int64
		hurry(s, 200, 40, func() {
			u := addUser(t, s)
			together(3, func(i int) {
				time.Sleep(rand.N(time.Millisecond))
				if i == 0 {
					if _, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{}); err != nil {
						t.Error(err)
					}
					return
				}
				n := signIn(u.ID, models.KindBrowser, "browser", noon)
				n.Rehashed = password // an upgrade of the hash at sign-in must not get round it either
				_, err := s.AddDevice(t.Context(), n)
				switch {
				case err == nil:
					early.Add(1)
				case errors.Is(err, models.ErrChanged):
					late.Add(1)
				default:
					t.Error(err)
				}
			})
			if names := liveNames(t, s, u.ID); len(names) > 0 {
				t.Errorf("alive in a disabled account: %q", names)
			}
		})
		if !testing.Short() && (early.Load() == 0 || late.Load() == 0) {
			t.Errorf("%d sign-ins were earlier and %d later: that is no race", early.Load(), late.Load())
		}
	})
}

func TestARenameAndASignInThatWantOneNameBothGetOne(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		hurry(s, 60, 20, func() {
			u := addUser(t, s)
			d, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "old", noon))
			if err != nil {
				t.Error(err)
				return
			}
			together(4, func(i int) {
				var err error
				if i == 0 {
					_, err = s.RenameDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, live(noon), named("phone"), event(models.EventDeviceRenamed, u.ID, noon))
				} else {
					_, err = s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "phone", noon))
				}
				if err != nil {
					t.Error(err)
				}
			})
			if got := liveNames(t, s, u.ID); !slices.Equal(got, []string{"phone", "phone (2)", "phone (3)", "phone (4)"}) {
				t.Errorf("names %q", got)
			}
		})
	})
}

// Browsers of two accounts that replace each other's sign-ins, while both accounts are full and have idle devices.
func TestSignInsThatReplaceEachOthersBrowsersDoNotDeadlock(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var unavailable atomic.Int64
		hurry(s, 40, 15, func() {
			users := []models.User{addUser(t, s), addUser(t, s)}
			var old []models.Device
			for _, u := range users {
				d, err := s.AddDevice(context.Background(), signIn(u.ID, models.KindBrowser, "browser", noon))
				if err != nil {
					t.Error(err)
					return
				}
				old = append(old, d)
			}
			together(4, func(i int) {
				n := signIn(users[i%2].ID, models.KindBrowser, "browser", noon.Add(lifetime))
				n.Max, n.Replace = 1, &models.DeviceKey{UserID: old[1-i%2].UserID, ID: old[1-i%2].ID}
				if _, err := s.AddDevice(t.Context(), n); errors.Is(err, models.ErrUnavailable) {
					unavailable.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		})
		if n := unavailable.Load(); n > 0 {
			t.Errorf("%d sign-ins were victims of a deadlock", n)
		}
	})
}
