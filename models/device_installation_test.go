package models_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

var (
	onePhone     = bytes.Repeat([]byte{1}, 32)
	anotherPhone = bytes.Repeat([]byte{2}, 32)
	olderKey     = bytes.Repeat([]byte{3}, 32) // the hash of onePhone under a former secret
)

// installed is a sign-in of an app that names its installation.
func installed(userID uuid.UUID, name string, at time.Time, old *models.OldToken, hashes ...[]byte) models.NewDevice {
	n := signIn(userID, models.KindApp, name, at)
	n.Device.Installation = hashes[0]
	mail := func(kind string) models.MailWithLinks {
		return models.MailWithLinks{Mail: &models.OutgoingMail{ID: models.NewID(at), UserID: userID, Kind: kind, CreatedAt: at, Sealed: sealed}}
	}
	n.Alert = &models.SignInAlert{
		Every: time.Hour, Single: func(models.Device) models.MailWithLinks { return mail("new") },
		Summary: func(models.Device, time.Time) models.MailWithLinks { return mail("summary") },
	}
	n.Installation = &models.Installation{
		Hashes: hashes, Old: old, Most: 2, Within: 24 * time.Hour,
		Mail: func(d models.Device) models.MailWithLinks { return mail("replaced " + d.Name) },
	}
	return n
}

// tokenOf is the device token of a device with a generation.
func tokenOf(d models.Device, generation int64) *models.OldToken {
	return &models.OldToken{Key: models.DeviceKey{UserID: d.UserID, ID: d.ID}, SecretHash: secretOf(d.ID), Generation: generation}
}

func TestOnlyAProofTakesThePlaceOfADevice(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		at := noon
		used := func(d models.Device, generation int64) {
			at = at.Add(time.Minute)
			if result := rotate(t, s, present(d, generation, at)); result.Outcome != models.Rotated && result.Outcome != models.Forked {
				t.Fatalf("outcome %d", result.Outcome)
			}
		}
		for name, c := range map[string]struct {
			arrange func(old, other *models.NewDevice)
			happen  func(old, other models.Device)
			proof   func(old, other models.Device) *models.OldToken
			change  func(n *models.NewDevice)
			takes   bool
		}{
			"the token":               {proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 1) }, takes: true},
			"its successor":           {happen: func(old, _ models.Device) { used(old, 1) }, proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 2) }, takes: true},
			"the key":                 {arrange: func(old, _ *models.NewDevice) { old.Device.JKT = "key" }, change: func(n *models.NewDevice) { n.Device.JKT = "key" }, takes: true},
			"nothing":                 {},
			"a token that was used":   {happen: func(old, _ models.Device) { used(old, 1) }, proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 1) }},
			"one of two after a fork": {happen: func(old, _ models.Device) { used(old, 1); used(old, 1) }, proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 3) }},
			"a token of the future":   {proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 2) }},
			"another secret": {proof: func(old, other models.Device) *models.OldToken {
				p := tokenOf(old, 1)
				p.SecretHash = secretOf(other.ID)
				return p
			}},
			"another installation's token":   {arrange: func(_, other *models.NewDevice) { other.Device.Installation = anotherPhone }, proof: func(_, other models.Device) *models.OldToken { return tokenOf(other, 1) }},
			"another client's token":         {arrange: func(_, other *models.NewDevice) { other.Device.ClientID, other.Device.Installation = "app-2", onePhone }, proof: func(_, other models.Device) *models.OldToken { return tokenOf(other, 1) }},
			"the token of a device without":  {arrange: func(_, other *models.NewDevice) { other.Device.Installation = nil }, proof: func(_, other models.Device) *models.OldToken { return tokenOf(other, 1) }},
			"another key":                    {arrange: func(old, _ *models.NewDevice) { old.Device.JKT = "key" }, change: func(n *models.NewDevice) { n.Device.JKT = "another" }},
			"no key and the token of a key":  {arrange: func(old, _ *models.NewDevice) { old.Device.JKT = "key" }, proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 1) }},
			"the key in another's install":   {arrange: func(old, _ *models.NewDevice) { old.Device.JKT, old.Device.Installation = "key", anotherPhone }, change: func(n *models.NewDevice) { n.Device.JKT = "key" }},
			"the token under another client": {proof: func(old, _ models.Device) *models.OldToken { return tokenOf(old, 1) }, change: func(n *models.NewDevice) { n.Device.ClientID = "app-2" }},
		} {
			t.Run(name, func(t *testing.T) {
				u := addUser(t, s)
				first, second := installed(u.ID, "Anna’s phone", noon, nil, onePhone), signIn(u.ID, models.KindApp, "tablet", noon)
				if c.arrange != nil {
					c.arrange(&first, &second)
				}
				old, other := add(t, s, first), add(t, s, second)
				if c.happen != nil {
					c.happen(old, other)
				}
				var proof *models.OldToken
				if c.proof != nil {
					proof = c.proof(old, other)
				}
				n := installed(u.ID, "phone", noon.Add(time.Hour), proof, onePhone)
				n.Max = 3
				if c.takes {
					n.Max = 1 // it is more than full
				}
				if c.change != nil {
					c.change(&n)
				}
				d := add(t, s, n)
				end, err := s.Device(t.Context(), u.ID, old.ID)
				if err != nil {
					t.Fatal(err)
				}
				took := end.RevokedAt != nil
				mails := map[bool]string{true: "replaced Anna’s phone", false: "new"}[took]
				if took != c.takes || took != (d.Name == "Anna’s phone") || took != (countEvents(t, s, u, models.EventDeviceReplaced) == 1) ||
					count(t, s, "SELECT count(*) FROM mails WHERE user_id = ? AND kind = ?", u.ID.String(), mails) != 1 {
					t.Errorf("took the place: %v (%s), name %q, events %s", took, end.RevokeReason, d.Name, kinds(t, s, u.ID))
				}
				if took && end.RevokeReason != models.RevokedByNewSignIn {
					t.Errorf("ended as %s", end.RevokeReason)
				}
				if n := countEvents(t, s, u, models.EventDeviceReused); n > 0 {
					t.Error("a proof counts as a theft")
				}
				if still, err := s.LiveDevice(t.Context(), u.ID, other.ID, live(noon.Add(time.Hour))); err != nil || still.Generation != other.Generation {
					t.Errorf("the other device: %v", err)
				}
			})
		}
	})
}

func TestAThirdReplacementInADayLeavesBothDevices(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		at := noon
		signInAgain := func(hashes ...[]byte) models.Device {
			at = at.Add(time.Hour)
			n := installed(u.ID, "phone", at, nil, hashes...)
			n.Device.JKT = "the key of a copied image"
			return add(t, s, n)
		}
		names := func() string {
			list, err := s.LiveDevices(t.Context(), u.ID, live(at))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, d := range list {
				names = append(names, d.Name)
			}
			slices.Sort(names)
			return strings.Join(names, ", ")
		}
		signInAgain(onePhone) // at 1 o'clock
		signInAgain(onePhone)
		signInAgain(onePhone)
		signInAgain(anotherPhone) // counts for itself
		if got := names(); got != "phone, phone (2)" || countEvents(t, s, u, models.EventDeviceReplaced) != 2 {
			t.Fatalf("after two replacements: %s", got)
		}
		for range 3 {
			signInAgain(onePhone)
		}
		if got := names(); got != "phone, phone (2), phone (3), phone (4), phone (5)" || countEvents(t, s, u, models.EventDeviceReplaced) != 2 {
			t.Errorf("after the third: %s", got)
		}
		var told []string
		for _, e := range events(t, s, u.ID) {
			if e.Kind == models.EventInstallationShared {
				told = append(told, e.DeviceName+" and "+e.Detail)
			}
		}
		if fmt.Sprint(told) != "[phone (3) and phone]" {
			t.Errorf("told of %q", told)
		}
		at = noon.Add(26*time.Hour - time.Minute) // an hour later only the second replacement, of 3 o'clock, was within a day
		d := signInAgain(onePhone)
		if d.Name != "phone" || countEvents(t, s, u, models.EventDeviceReplaced) != 3 {
			t.Errorf("a day later %q: %s", d.Name, kinds(t, s, u.ID))
		}
	})
}

func TestADeviceThatHasEndedLeavesItsName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for reason, want := range map[models.EndReason]string{
			models.RevokedBySignOut: "Anna’s phone", models.RevokedByOwner: "Anna’s phone", models.RevokedByReuse: "phone", models.RevokedByNotMe: "phone",
		} {
			u := addUser(t, s)
			old := add(t, s, installed(u.ID, "Anna’s phone", noon, nil, onePhone))
			e := event(models.EventSignOut, u.ID, noon)
			e.Detail = string(reason)
			if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: old.ID}, e); err != nil {
				t.Fatal(err)
			}
			if d := add(t, s, installed(u.ID, "phone", noon.Add(time.Hour), nil, onePhone)); d.Name != "phone" {
				t.Errorf("%s: %q without a proof", reason, d.Name)
			}
			again := add(t, s, installed(u.ID, "phone", noon.Add(time.Hour), tokenOf(old, 2), onePhone))
			if again.Name != "phone (2)" {
				t.Errorf("%s: %q by another token", reason, again.Name)
			}
			d := add(t, s, installed(u.ID, "phone", noon.Add(time.Hour), tokenOf(old, 1), onePhone))
			if got := strings.TrimSuffix(d.Name, " (3)"); got != want || countEvents(t, s, u, models.EventDeviceReplaced) != 0 {
				t.Errorf("%s: %q", reason, d.Name)
			}
			if d = add(t, s, installed(u.ID, "phone", noon.Add(time.Hour), tokenOf(old, 1), onePhone)); strings.HasPrefix(d.Name, "Anna") {
				t.Errorf("%s: the name is another device's by now: %q", reason, d.Name)
			}
		}
		u := addUser(t, s)
		old := add(t, s, installed(u.ID, "Anna’s phone", noon, nil, onePhone))
		if d := add(t, s, installed(u.ID, "phone", noon.Add(lifetime), tokenOf(old, 1), onePhone)); d.Name != "Anna’s phone" || countEvents(t, s, u, models.EventDeviceReplaced) != 0 {
			t.Errorf("after its expiry: %q, %s", d.Name, kinds(t, s, u.ID))
		}
	})
}

// A sign-in under a new secret knows the rows of the former one, and gives them its own hash.
func TestAnInstallationOutlivesAChangeOfTheSecret(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		first := add(t, s, installed(u.ID, "phone", noon, nil, olderKey))
		second := add(t, s, installed(u.ID, "phone", noon, nil, onePhone, olderKey))
		third := add(t, s, installed(u.ID, "phone", noon, tokenOf(second, 1), onePhone))
		if third.Name != second.Name || second.Name == first.Name {
			t.Errorf("%q, %q, %q", first.Name, second.Name, third.Name)
		}
		if d, err := s.LiveDevice(t.Context(), u.ID, first.ID, live(noon)); err != nil || !bytes.Equal(d.Installation, onePhone) {
			t.Errorf("the first has %x, %v", d.Installation, err)
		}
	})
}

// A refresh and a sign-in with the same token: where the refresh wins, the proof is void; where the sign-in wins, the refresh is refused.
func TestARefreshAndAReplacementAtOnceDoNotBothSucceed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for i := range 20 {
			u := addUser(t, s)
			old := add(t, s, installed(u.ID, "phone", noon, nil, onePhone))
			var refreshed, replaced atomic.Bool
			together(2, func(n int) {
				if n == 0 {
					result, err := s.RotateDevice(t.Context(), present(old, 1, noon.Add(time.Minute)))
					if err != nil {
						t.Error(err)
					}
					refreshed.Store(result.Outcome == models.Rotated)
					return
				}
				d, err := s.AddDevice(t.Context(), installed(u.ID, "other", noon.Add(time.Minute), tokenOf(old, 1), onePhone))
				if err != nil {
					t.Error(err)
				}
				replaced.Store(d.Name == "phone")
			})
			if refreshed.Load() == replaced.Load() {
				t.Errorf("round %d: refreshed %v, replaced %v", i, refreshed.Load(), replaced.Load())
			}
		}
	})
}

// Twenty sign-ins at once with one token: one takes the place.
func TestOneOfManySignInsTakesThePlace(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		old := add(t, s, installed(u.ID, "phone", noon, nil, onePhone))
		var took atomic.Int64
		together(20, func(i int) {
			d, err := s.AddDevice(t.Context(), installed(u.ID, "other", noon.Add(time.Duration(i+1)*time.Second), tokenOf(old, 1), onePhone))
			if err != nil {
				t.Error(err)
			}
			if d.Name == "phone" {
				took.Add(1)
			}
		})
		if n := countEvents(t, s, u, models.EventDeviceReplaced); took.Load() != 1 || n != 1 || len(liveNames(t, s, u.ID)) != 20 {
			t.Errorf("%d took it, %d events, %d live", took.Load(), n, len(liveNames(t, s, u.ID)))
		}
	})
}

// The person was told that the chosen device goes: it goes, also when the app takes the place of another one.
func TestTheChosenDeviceGoesBesideTheOneWhosePlaceIsTaken(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		old, stolen := add(t, s, installed(u.ID, "phone", noon, nil, onePhone)), addApp(t, s, u.ID, "stolen")
		n := room(installed(u.ID, "phone", noon.Add(time.Hour), tokenOf(old, 1), onePhone), 2, false, 5)
		n.Room.Leave = &stolen.ID
		add(t, s, n)
		if names := liveNames(t, s, u.ID); len(names) != 1 {
			t.Errorf("signed in: %q", names)
		}
		chosen, err := s.Device(t.Context(), u.ID, stolen.ID)
		if err != nil || chosen.RevokeReason != models.RevokedForRoom || countEvents(t, s, u, models.EventDeviceRevoked) != 1 {
			t.Errorf("the chosen device: %q, %v", chosen.RevokeReason, err)
		}
		n = room(installed(u.ID, "phone", noon.Add(2*time.Hour), nil, onePhone), 1, false, 5)
		n.Room.Leave = &old.ID // it has ended: the limits count
		if _, err := s.AddDevice(t.Context(), n); !errors.Is(err, models.ErrTooManyDevices) {
			t.Errorf("a device that has ended makes room: %v", err)
		}
	})
}

// An app that signs in again on the same phone goes on without a page, as before.
func TestTakingAPlaceLeavesTheConsent(t *testing.T) {
	for _, r := range []models.EndReason{models.RevokedByNewSignIn, models.RevokedForRoom, models.RevokedByReplace, models.RevokedBySignOut} {
		if models.EndsConsents(r) {
			t.Errorf("%s ends consents", r)
		}
	}
	for _, r := range []models.EndReason{models.RevokedByOwner, models.RevokedByReuse, models.RevokedByIncident, models.RevokedByNotMe} {
		if !models.EndsConsents(r) {
			t.Errorf("%s leaves consents", r)
		}
	}
}
