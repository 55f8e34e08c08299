package models_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// racing presents one token n times at once and counts the outcomes.
func racing(t *testing.T, s *models.Store, n int, r models.Rotation) (map[models.Outcome]int, map[int64]int) {
	t.Helper()
	outcomes, generations, mu := map[models.Outcome]int{}, map[int64]int{}, sync.Mutex{}
	together(n, func(int) {
		got, err := s.RotateDevice(t.Context(), r)
		if err != nil {
			t.Errorf("rotate: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		outcomes[got.Outcome]++
		generations[got.Device.Generation]++
	})
	return outcomes, generations
}

func TestFiftyRefreshesWithOneTokenGiveOneSuccessor(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		for g := int64(1); g <= int64(rounds(s, 10, 5)); g++ {
			outcomes, generations := racing(t, s, 50, present(d, g, noon))
			if outcomes[models.Rotated] != 1 || outcomes[models.Repeated] != 49 || len(generations) != 1 || generations[g+1] != 50 {
				t.Fatalf("outcomes %v, generations %v", outcomes, generations)
			}
			if row := device(t, s, d); forkOf(row) != (fork{g, g + 1, g + 1}) || row.Repeats != 49 {
				t.Fatalf("row %+v with %d repeats", forkOf(row), row.Repeats)
			}
		}
	})
}

// Every presentation of the base from elsewhere makes a new child, and none is issued twice.
func TestRacingForksAreAllCounted(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		rotate(t, s, present(d, 1, noon))
		r := present(d, 1, noon.Add(time.Hour))
		r.Window = -time.Hour // nothing is a retry
		outcomes, generations := racing(t, s, 30, r)
		if outcomes[models.Forked] != 30 || len(generations) != 30 {
			t.Errorf("outcomes %v, generations %v", outcomes, generations)
		}
		if row := forkOf(device(t, s, d)); row != (fork{1, 2, 32}) {
			t.Errorf("row %+v", row)
		}
	})
}

func TestAReuseThatComesTwentyTimesAtOnceIsToldOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for range rounds(s, 10, 5) {
			u := addUser(t, s)
			d := addForked(t, s, u, three, nil)
			outcomes, _ := racing(t, s, 20, present(d, 3, noon))
			if outcomes[models.Reused] != 1 || outcomes[models.Revoked] != 19 {
				t.Fatalf("outcomes %v", outcomes)
			}
			if got := kinds(t, s, u.ID); got != "device_reused sign_in account_created" && got != "sign_in device_reused account_created" {
				t.Fatalf("events %q", got)
			}
		}
	})
}

func TestATokenAheadThatComesTwentyTimesAtOnceRestoresOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for i := range rounds(s, 10, 5) {
			u := addUser(t, s)
			d := addForked(t, s, u, three, nil)
			r := present(d, 9, noon.Add(time.Hour))
			rest := models.Repeated
			if i%2 == 1 {
				r.Window, rest = -time.Hour, models.Forked
			}
			outcomes, _ := racing(t, s, 20, r)
			if outcomes[models.Restored] != 1 || outcomes[rest] != 19 {
				t.Fatalf("outcomes %v", outcomes)
			}
		}
	})
}

// Tokens of different ages at once: in any order, no caller gets an error, and a dead token revokes.
func TestRacingTokensOfEveryAgeEndInARevocation(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for range rounds(s, 10, 5) {
			u := addUser(t, s)
			d := addForked(t, s, u, three, nil)
			together(24, func(i int) {
				if _, err := s.RotateDevice(t.Context(), present(d, int64(2+i%8), noon)); err != nil {
					t.Error(err)
				}
			})
			if device(t, s, d).RevokedAt == nil {
				t.Fatal("a dead token was among them, and the device is still live")
			}
		}
	})
}

func TestAfterARevocationWasAcknowledgedNoRefreshSucceeds(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		var refreshed atomic.Int64
		together(8, func(int) {
			for range rounds(s, 20, 5) {
				n := signIn(u.ID, models.KindApp, "phone", noon)
				d, err := s.AddDevice(t.Context(), n)
				if err != nil {
					t.Error(err)
					return
				}
				var acknowledged atomic.Bool
				begun := make(chan struct{}) // on a busy machine the revocation would otherwise come before any refresh
				begin := sync.OnceFunc(func() { close(begun) })
				together(2, func(i int) {
					if i == 0 {
						<-begun
						time.Sleep(rand.N(4 * time.Millisecond))
						_, fresh, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, event(models.EventDeviceRevoked, u.ID, noon))
						if acknowledged.Store(true); err != nil || !fresh {
							t.Errorf("revoke: %v %v", fresh, err)
						}
						return
					}
					defer begin()
					for g := int64(1); ; g++ {
						before := acknowledged.Load()
						got, err := s.RotateDevice(t.Context(), present(d, g, noon))
						if err != nil || got.Outcome != models.Rotated && got.Outcome != models.Revoked || before && got.Outcome != models.Revoked {
							t.Errorf("generation %d, revoked before: %v: outcome %d, %v", g, before, got.Outcome, err)
							return
						}
						if got.Outcome == models.Revoked {
							return
						}
						refreshed.Add(1)
						begin()
					}
				})
			}
		})
		if refreshed.Load() == 0 {
			t.Error("nothing was refreshed before a revocation, so nothing was tried")
		}
	})
}

// Every device has its own row, so refreshes of many devices of one owner disturb neither each other nor sign-ins.
func TestRefreshesOfManyDevicesDoNotDisturbEachOther(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		devices := make([]models.Device, 12)
		for i := range devices {
			devices[i] = addApp(t, s, u.ID, "phone")
		}
		steps := int64(rounds(s, 30, 10))
		together(len(devices), func(i int) {
			for g := int64(1); g <= steps; g++ {
				got, err := s.RotateDevice(t.Context(), present(devices[i], g, noon))
				if err != nil || got.Outcome != models.Rotated || got.Device.Generation != g+1 {
					t.Errorf("device %d, generation %d: %+v %v", i, g, got, err)
					return
				}
			}
		})
	})
}
