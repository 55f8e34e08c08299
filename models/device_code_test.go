package models_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

const codeLife = 10 * time.Minute

func deviceCode(name, network string, at time.Time) models.DeviceCode {
	return models.DeviceCode{
		Hash: hashOf(name), UserCode: []byte(name), Network: []byte(network), ClientID: "tv", Data: []byte("sealed"), CreatedAt: at, ExpiresAt: at.Add(codeLife),
		Pause: (5 * time.Second).Microseconds(),
	}
}

func TestOnlySoManyDeviceCodesWaitAtATime(t *testing.T) {
	const all, network = 30, 5
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		add := func(name, from string, at time.Time) error {
			return s.AddDeviceCode(t.Context(), deviceCode(name, from, at), models.CodeBounds{All: all, Network: network})
		}
		var added, refused atomic.Int64
		together(20, func(i int) {
			switch err := add(fmt.Sprint("one network ", i), "a", noon); {
			case err == nil:
				added.Add(1)
			case errors.Is(err, models.ErrTooManyNetworkCodes):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
		if added.Load() != network || refused.Load() != 20-network {
			t.Errorf("%d of one network wait and %d were refused", added.Load(), refused.Load())
		}
		added.Store(0)
		together(40, func(i int) {
			switch err := add(fmt.Sprint("many networks ", i), fmt.Sprint(i), noon); {
			case err == nil:
				added.Add(1)
			case !errors.Is(err, models.ErrTooManyCodes) || errors.Is(err, models.ErrTooManyNetworkCodes):
				t.Error(err)
			}
		})
		if added.Load() != all-network || count(t, s, "SELECT count(*) FROM device_codes") != all {
			t.Errorf("%d more wait", added.Load())
		}
		written := count(t, s, "SELECT count FROM attempts")
		if err := add("too many", "b", noon); !errors.Is(err, models.ErrTooManyCodes) || count(t, s, "SELECT count FROM attempts") != written {
			t.Error(err)
		}
		if err := s.DenyDeviceCode(t.Context(), deviceCodeOf(t, s, "a"), noon); err != nil {
			t.Fatal(err)
		}
		if err := add("in the place of one that was answered", "a", noon); err != nil {
			t.Error(err)
		}
		later := noon.Add(codeLife)
		for i := range all {
			if err := add(fmt.Sprint("when they have expired ", i), "", later); err != nil { // a network that is not known has no bound
				t.Error(err)
			}
		}
		if err := add("when they have expired", "c", later); !errors.Is(err, models.ErrTooManyCodes) {
			t.Error(err)
		}
		if n, err := s.SweepDeviceCodes(t.Context(), later.Add(time.Microsecond)); err != nil || n != all+1 || count(t, s, "SELECT count(*) FROM device_codes") != all {
			t.Errorf("%d were swept, %v", n, err)
		}
		if _, err := s.Sweep(t.Context(), models.Retention{DeviceCodesBefore: later.Add(codeLife + time.Second)}); err != nil || count(t, s, "SELECT count(*) FROM device_codes") != 0 {
			t.Error("the sweeper leaves some", err)
		}
	})
}

// deviceCodeOf returns the hash of a code of a network that waits.
func deviceCodeOf(t *testing.T, s *models.Store, network string) (hash []byte) {
	t.Helper()
	err := s.Pools()[0].QueryRowContext(t.Context(), numbered(s, "SELECT hash FROM device_codes WHERE network = ? AND answer = '' LIMIT 1"), []byte(network)).Scan(&hash)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestADeviceThatAsksTooOftenMustAskLess(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		if err := s.AddDeviceCode(t.Context(), deviceCode("tv", "a", noon), models.CodeBounds{All: 1, Network: 1}); err != nil {
			t.Fatal(err)
		}
		at := noon
		poll := func(client string) (models.DeviceCode, error) {
			return s.PollDeviceCode(t.Context(), models.CodePoll{Hash: hashOf("tv"), ClientID: client, At: at, Leeway: time.Second, Longer: 5 * time.Second})
		}
		if _, err := poll("another"); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		for i, c := range []struct {
			after time.Duration
			early bool
			pause time.Duration
		}{
			{0, false, 5 * time.Second}, // the first
			{5 * time.Second, false, 5 * time.Second},
			{4 * time.Second, false, 5 * time.Second},
			{4*time.Second - time.Microsecond, true, 10 * time.Second},
			{9 * time.Second, false, 10 * time.Second},
			{5 * time.Second, true, 15 * time.Second},
			{0, true, 20 * time.Second},
			{-time.Hour, false, 20 * time.Second}, // the clock was put back
			{time.Second, true, 25 * time.Second},
		} {
			at = at.Add(c.after)
			if got, err := poll("tv"); err != nil || got.Early != c.early || got.Pause != c.pause.Microseconds() || string(got.Data) != "sealed" {
				t.Errorf("poll %d: %+v, %v", i+1, got, err)
			}
		}
		if err := s.DenyDeviceCode(t.Context(), hashOf("tv"), noon); err != nil {
			t.Fatal(err)
		}
		if got, err := poll("tv"); err != nil || got.Early || got.Answer != models.DeviceDenied {
			t.Errorf("after the answer: %+v, %v", got, err)
		}
	})
}

// One conditional UPDATE decides between answers of one code. An approval that loses leaves nothing.
func TestOneAnswerOfADeviceCodeWins(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		users := []models.User{addUser(t, s), addUser(t, s)}
		for round := range rounds(s, 20, 5) {
			name := fmt.Sprint("tv ", round)
			c := deviceCode(name, "", noon)
			if err := s.AddDeviceCode(t.Context(), c, models.CodeBounds{All: 100}); err != nil {
				t.Fatal(err)
			}
			var approved, denied atomic.Int64
			together(6, func(i int) {
				answer, won := func() error { return s.DenyDeviceCode(t.Context(), c.Hash, noon) }, &denied
				if u := users[i%2]; i < 4 {
					answer, won = func() error {
						return s.AddCode(t.Context(), models.NewCode{
							Code:   models.Challenge{Hash: c.Hash, UserID: u.ID, Purpose: "device_code", Data: []byte{1}, CreatedAt: noon, ExpiresAt: c.ExpiresAt},
							Device: c.Hash, Proof: models.Proof{Verified: password}, Spend: []models.Budget{{Key: u.ID[:], Most: 1000, Window: time.Hour}},
						})
					}, &approved
				}
				switch err := answer(); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, models.ErrNotFound):
					t.Error(err)
				}
			})
			got, err := s.DeviceCode(t.Context(), c.Hash)
			kept := count(t, s, "SELECT count(*) FROM challenges WHERE hash = ?", c.Hash)
			if want := map[bool]models.DeviceAnswer{true: models.DeviceApproved, false: models.DeviceDenied}[approved.Load() == 1]; err != nil || approved.Load()+denied.Load() != 1 || got.Answer != want || kept != approved.Load() {
				t.Fatalf("%d approved and %d denied; the answer is %q, %d approvals are kept, %v", approved.Load(), denied.Load(), got.Answer, kept, err)
			}
			if _, err := s.WaitingDeviceCode(t.Context(), c.UserCode, noon); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("it still waits: %v", err)
			}
		}
		if spent := count(t, s, "SELECT coalesce(sum(count), 0) FROM attempts WHERE key <> ?", []byte("device codes")); spent != count(t, s, "SELECT count(*) FROM challenges") {
			t.Errorf("%d approvals were counted", spent)
		}

		late := deviceCode("late", "", noon)
		if err := s.AddDeviceCode(t.Context(), late, models.CodeBounds{All: 100}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.WaitingDeviceCode(t.Context(), late.UserCode, noon.Add(codeLife-time.Microsecond)); err != nil || got.ClientID != "tv" {
			t.Error(got, err)
		}
		if _, err := s.WaitingDeviceCode(t.Context(), late.UserCode, noon.Add(codeLife)); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		if err := s.DenyDeviceCode(t.Context(), late.Hash, noon.Add(codeLife)); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		again := deviceCode("another", "", noon)
		again.UserCode = late.UserCode
		if err := s.AddDeviceCode(t.Context(), again, models.CodeBounds{All: 100}); !errors.Is(err, models.ErrDuplicate) {
			t.Errorf("a user code that is taken: %v", err)
		}
	})
}
