package models_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// sinceOf is the act about a device, from another one.
func sinceOf(d models.Device, keep uuid.UUID, at time.Time) models.SinceRevocation {
	return models.SinceRevocation{Device: models.DeviceKey{UserID: d.UserID, ID: d.ID}, Keep: keep, Event: event(models.EventDevicesRevokedSince, d.UserID, at)}
}

func revokeSince(t testing.TB, s *models.Store, r models.SinceRevocation) models.SinceDone {
	t.Helper()
	done, err := s.RevokeSince(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// namesLive are the names of the live devices, sorted.
func namesLive(t testing.TB, s *models.Store, u models.User, at time.Time) string {
	t.Helper()
	list, err := s.LiveDevices(t.Context(), u.ID, live(at))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range list {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// What came after a device is told by the order of the sign-ins, whatever the clocks said. Rows of the previous release have no number: then time
// tells, and what is of the very same time goes.
func TestEverythingSinceADeviceGoesByTheOrderOfSignIns(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		const unnumbered = true
		for name, c := range map[string]struct {
			clock  []time.Duration // of sign-ins 1 to 5; the third is X, and the last one acts
			former []int           // sign-ins that the previous release wrote
			left   string
		}{
			"an hour apart":                           {[]time.Duration{0, 1, 2, 3, 4}, nil, "1 2 5"},
			"all at once":                             {[]time.Duration{0, 0, 0, 0, 0}, nil, "1 2 5"},
			"the clock was set back after X":          {[]time.Duration{5, 6, 7, 0, 1}, nil, "1 2 5"},
			"the clock was ahead at X":                {[]time.Duration{0, 1, 100, 2, 3}, nil, "1 2 5"},
			"the clock was ahead before X":            {[]time.Duration{100, 101, 2, 3, 4}, nil, "1 2 5"},
			"before numbers":                          {[]time.Duration{0, 1, 2, 3, 4}, []int{1, 2, 3, 4, 5}, "1 2 5"},
			"before numbers, all at once":             {[]time.Duration{0, 0, 0, 0, 0}, []int{1, 2, 3, 4, 5}, "5"},
			"X and before of the previous release":    {[]time.Duration{0, 1, 2, 3, 4}, []int{1, 2, 3}, "1 2 5"},
			"later ones of the previous release":      {[]time.Duration{0, 1, 2, 3, 4}, []int{4}, "1 2 5"},
			"earlier ones of the previous release":    {[]time.Duration{0, 1, 2, 3, 4}, []int{1, 2}, "1 2 5"},
			"one of the previous release, same time":  {[]time.Duration{0, 2, 2, 3, 4}, []int{2}, "1 5"},
			"the acting one of the previous release":  {[]time.Duration{0, 1, 2, 3, 4}, []int{5}, "1 2 5"},
			"an earlier one of a clock that is ahead": {[]time.Duration{0, 9, 2, 3, 4}, []int{2}, "1 5"},
		} {
			u := addUser(t, s)
			var list []models.Device
			for i, hour := range c.clock {
				d := add(t, s, signIn(u.ID, models.KindApp, fmt.Sprint(i+1), noon.Add(hour*time.Hour)))
				if slices.Contains(c.former, i+1) == unnumbered {
					exec(t, s, "UPDATE devices SET seq = 0 WHERE id = ?", d.ID.String())
				}
				list = append(list, d)
			}
			at := noon.Add(10 * time.Hour)
			done := revokeSince(t, s, sinceOf(list[2], list[4].ID, at))
			if got := namesLive(t, s, u, at); got != c.left {
				t.Errorf("%s: %q are left, want %q", name, got, c.left)
			}
			if left := len(strings.Fields(c.left)); int(done.Devices) != 5-left {
				t.Errorf("%s: %+v", name, done)
			}
		}
	})
}

func TestEverythingSinceEndsWhatCouldBecomeADevice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		before := add(t, s, signIn(u.ID, models.KindBrowser, "before", noon))
		origins := signIn(u.ID, models.KindBrowser, "old origin", noon)
		origins.KnownOrigins = [][]byte{[]byte("old")}
		add(t, s, origins)
		x := signIn(u.ID, models.KindBrowser, "x", noon.Add(time.Hour))
		x.KnownOrigins = [][]byte{[]byte("new"), []byte("old")}
		d := add(t, s, x)
		trust(t, s, u, "trusted", noon.Add(2*time.Hour))
		at := noon.Add(3 * time.Hour)
		for i, purpose := range []string{models.PurposeCode, models.PurposeDeviceCode, "browser_sign_in", "app_sign_in", "app_confirmation", "app_confirmed"} {
			c := models.Challenge{Hash: hashOf(fmt.Sprint(purpose, i, u.ID)), UserID: u.ID, Purpose: purpose, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
			if err := s.AddChallenge(t.Context(), c, "", 0, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, purpose := range []string{models.EmailLink, models.ResetLink, "alarm"} {
			if err := s.AddMail(t.Context(), mailTo(u, purpose, "", at, link(u, purpose, purpose+u.ID.String(), at))); err != nil {
				t.Fatal(err)
			}
		}
		exec(t, s, "INSERT INTO consents (user_id, client_id, browser, last_at) VALUES (?, 'c', ?, ?)", u.ID.String(), hashOf("b"), at)
		version := factorsVersion(t, s, u)
		done := revokeSince(t, s, sinceOf(d, before.ID, at))
		if done.Devices != 2 || done.Trusted != 1 || !done.Factors.None() || !done.Left.None() || done.Name != "x" {
			t.Errorf("%+v", done)
		}
		of := func(table string) int64 {
			return count(t, s, "SELECT count(*) FROM "+table+" WHERE user_id = ?", u.ID.String())
		}
		for table, want := range map[string]int64{"challenges": 0, "trusted_browsers": 0, "consents": 0, "one_time_tokens": 2, "known_places": 1} {
			if got := of(table); got != want {
				t.Errorf("%d rows of %s, want %d", got, table, want)
			}
		}
		if factorsVersion(t, s, u) == version {
			t.Error("what was decided before goes on")
		}
		e := eventOf(t, s, u, models.EventDevicesRevokedSince)
		if e.Detail != "later=1 trusted=1" || e.DeviceID.UUID != d.ID || e.DeviceName != "x" || models.SinceLater(e.Detail) != 1 {
			t.Errorf("%+v", e)
		}
		if got := device(t, s, d); got.RevokeReason != models.RevokedByOwner || got.RevokedBy != models.ActorOwner {
			t.Errorf("%+v", got)
		}
		if again := revokeSince(t, s, sinceOf(d, before.ID, at)); !again.None() || strings.Count(kinds(t, s, u.ID), string(models.EventDevicesRevokedSince)) != 1 {
			t.Errorf("once more: %+v, %s", again, kinds(t, s, u.ID))
		}
	})
}

// The factors since go only with the proof of one from before.
func TestFactorsSinceADeviceNeedAnOlderOneToGo(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		type made struct {
			u    models.User
			keep models.Device
			x    models.Device
			list map[string]models.Factor
		}
		begin := func() (m made) {
			m.u = addUser(t, s)
			m.keep = add(t, s, signIn(m.u.ID, models.KindBrowser, "keep", noon))
			addFactors(t, s, m.u, noon, passkey("old"))
			n := signIn(m.u.ID, models.KindApp, "x", noon.Add(time.Hour))
			n.FactorsVersion = factorsVersion(t, s, m.u)
			m.x = add(t, s, n)
			// The clock was set back: only the order tells that these are later.
			addFactors(t, s, m.u, noon.Add(-day), authenticatorApp())
			addFactors(t, s, m.u, noon.Add(-day), passkey("young"))
			addFactors(t, s, m.u, noon.Add(-day), codeOf("code", noon.Add(-day)))
			m.list = map[string]models.Factor{}
			for _, f := range factors(t, s, m.u) {
				m.list[f.Name] = f
			}
			m.u = user(t, s, m.u)
			return m
		}
		at := noon.Add(2 * time.Hour)
		proof := func(m made, f models.Factor) *models.Proof {
			return &models.Proof{Version: m.u.FactorsVersion, Factor: &models.FactorUse{ID: f.ID, Kind: f.Kind, Step: 1, At: at}}
		}
		for name, c := range map[string]struct {
			proof func(m made) *models.Proof
			keep  bool
			want  error
			left  string
			gone  string
		}{
			"without a confirmation":              {func(made) *models.Proof { return nil }, false, nil, " code old young", ""},
			"with an old passkey":                 {func(m made) *models.Proof { return proof(m, m.list["old"]) }, false, nil, "old", "passkeys=1 app codes"},
			"with an old passkey, and they stay":  {func(m made) *models.Proof { return proof(m, m.list["old"]) }, true, nil, " code old young", ""},
			"with a passkey since":                {func(m made) *models.Proof { return proof(m, m.list["young"]) }, false, models.ErrYoungFactor, " code old young", ""},
			"with the app since":                  {func(m made) *models.Proof { return proof(m, m.list[""]) }, false, models.ErrYoungFactor, " code old young", ""},
			"with a code since":                   {func(m made) *models.Proof { return proof(m, m.list["code"]) }, false, models.ErrYoungFactor, " code old young", ""},
			"with the password alone":             {func(m made) *models.Proof { return &models.Proof{Verified: password, Version: m.u.FactorsVersion} }, false, models.ErrYoungFactor, " code old young", ""},
			"with what was read before a change":  {func(m made) *models.Proof { p := proof(m, m.list["old"]); p.Version--; return p }, false, models.ErrChanged, " code old young", ""},
			"with a passkey since, and they stay": {func(m made) *models.Proof { return proof(m, m.list["young"]) }, true, nil, " code old young", ""},
		} {
			m := begin()
			r := sinceOf(m.x, m.keep.ID, at)
			r.Proof, r.KeepFactors = c.proof(m), c.keep
			done, err := s.RevokeSince(t.Context(), r)
			if !errors.Is(err, c.want) || done.Factors.String() != c.gone {
				t.Errorf("%s: %+v, %v", name, done, err)
			}
			if got := factorNames(t, s, m.u); got != c.left {
				t.Errorf("%s: %q are left, want %q", name, got, c.left)
			}
			if out := device(t, s, m.x).RevokedAt != nil; out != (c.want == nil) {
				t.Errorf("%s: the device is out: %v", name, out)
			}
			if err == nil && c.gone == "" && done.Left.String() != "passkeys=1 app codes" {
				t.Errorf("%s: it says that %q stay", name, done.Left)
			}
			for _, f := range factors(t, s, m.u) {
				if young := f.Name != "old"; m.x.Precedes(f) != young {
					t.Errorf("%s: the page says of %q: since %v", name, f.Name, !young)
				}
			}
		}
	})
}

func TestEverythingSinceAStrangersDeviceIsNotFound(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addUser(t, s), addUser(t, s)
		d := addApp(t, s, other.ID, "theirs")
		mine := addApp(t, s, u.ID, "mine")
		d.UserID = u.ID
		if _, err := s.RevokeSince(t.Context(), sinceOf(d, mine.ID, noon)); !errors.Is(err, models.ErrNotFound) {
			t.Error(err)
		}
		if got := namesLive(t, s, u, noon) + namesLive(t, s, other, noon); got != "minetheirs" || mine.Seq != 1 {
			t.Errorf("%q, %d", got, mine.Seq)
		}
	})
}

// Sign-ins and factors that race with the act are either decided after it, or go with it.
func TestNothingThatRacesWithTheActOutlivesIt(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		var late, ended int
		for range rounds(s, 40, 15) {
			u := addUser(t, s)
			keep, x := addApp(t, s, u.ID, "keep"), addApp(t, s, u.ID, "x")
			addFactors(t, s, u, noon, passkey("young"))
			u = user(t, s, u)
			var mu sync.Mutex
			var in []models.Device
			var done models.SinceDone
			together(5, func(i int) {
				var err error
				switch i {
				case 0:
					done, err = s.RevokeSince(t.Context(), sinceOf(x, keep.ID, noon.Add(time.Minute)))
				case 1:
					_, err = s.AddFactors(t.Context(), addition(t, s, u, noon, passkey("racing")))
				default:
					n := signIn(u.ID, models.KindApp, "racing", noon.Add(-time.Hour)) // its clock is behind
					n.FactorsVersion = u.FactorsVersion
					var d models.Device
					if d, err = s.AddDevice(t.Context(), n); err == nil {
						mu.Lock()
						in = append(in, d)
						mu.Unlock()
					}
				}
				if err != nil && !errors.Is(err, models.ErrChanged) {
					t.Error(err)
				}
			})
			ended += int(done.Devices)
			late += 3 - len(in)
			if got := namesLive(t, s, u, noon); got != "keep" {
				t.Fatalf("%q are live; %d signed in, %d ended", got, len(in), done.Devices)
			}
		}
		if ended == 0 || late == 0 {
			t.Errorf("%d devices ended, %d sign-ins were too late: nothing raced", ended, late)
		}
	})
}

// An app that signs in again takes the place and the name of its earlier device, but not its age.
func TestADeviceInAnOlderOnesPlaceSignedInWhenItDid(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, again := range map[string]time.Duration{"an hour after X": 2 * time.Hour, "at the time of X": time.Hour, "by a clock that was set back": -time.Hour} {
			u := addUser(t, s)
			phone := add(t, s, installed(u.ID, "Anna’s phone", noon, nil, onePhone))
			first := add(t, s, installed(u.ID, "tablet", noon, nil, anotherPhone))
			keep := addApp(t, s, u.ID, "keep")
			tablet := add(t, s, installed(u.ID, "app", noon.Add(time.Minute), tokenOf(first, 1), anotherPhone))
			x := add(t, s, signIn(u.ID, models.KindApp, "x", noon.Add(time.Hour)))
			thief := add(t, s, installed(u.ID, "app", noon.Add(again), tokenOf(phone, 1), onePhone))
			if thief.Name != phone.Name || tablet.Name != first.Name || device(t, s, phone).RevokeReason != models.RevokedByNewSignIn {
				t.Fatalf("%s: %q, %q: no place was taken", name, thief.Name, tablet.Name)
			}
			at := noon.Add(3 * time.Hour)
			asked, err := s.LiveSince(t.Context(), x, live(at), keep.ID)
			if err != nil || len(asked) != 1 || asked[0].Device.ID != thief.ID {
				t.Errorf("%s: the page names %+v, %v", name, asked, err)
			}
			if done := revokeSince(t, s, sinceOf(x, keep.ID, at)); done.Devices != 2 || done.Later != 1 {
				t.Errorf("%s: %+v", name, done)
			}
			if got := namesLive(t, s, u, at); got != "keep tablet" {
				t.Errorf("%s: %q are left", name, got)
			}
			// About the device whose place was taken, everything since is also what is in its place.
			if revokeSince(t, s, sinceOf(first, keep.ID, at)); namesLive(t, s, u, at) != "keep" {
				t.Errorf("%s: %q are left since the first tablet", name, namesLive(t, s, u, at))
			}
		}
	})
}
