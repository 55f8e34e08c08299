package models_test

import (
	"math"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// fork holds the columns that the fork rule uses.
type fork struct{ base, floor, generation int64 }

func forkOf(d models.Device) fork { return fork{d.Base, d.Floor, d.Generation} }

// addForked adds an app in the given state, rotated at noon from home.
func addForked(t *testing.T, s *models.Store, u models.User, f fork, change func(*models.Device)) models.Device {
	t.Helper()
	n := signIn(u.ID, models.KindApp, "phone", noon)
	n.Device.Base, n.Device.Floor, n.Device.Generation = f.base, f.floor, f.generation
	if change != nil {
		change(&n.Device)
	}
	return add(t, s, n)
}

// 4 was used, 5 died as the sibling of 6, and 6, 7 and 8 live.
var three = fork{base: 4, floor: 6, generation: 8}

func TestTheForkRuleRowByRow(t *testing.T) {
	const us = time.Microsecond
	bound := func(d *models.Device) { d.JKT = "key-1" }
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, c := range []struct {
			name     string
			state    fork
			device   func(*models.Device)
			present  int64
			after    time.Duration // since rotated_at
			ip, jkt  string
			want     models.Outcome
			then     fork
			children int64
		}{
			{name: "the first token of a new device rotates", state: fork{0, 1, 1}, present: 1, want: models.Rotated, then: fork{1, 2, 2}, children: 1},
			{name: "the latest child rotates and its siblings die", state: three, present: 8, want: models.Rotated, then: fork{8, 9, 9}, children: 1},
			{name: "the oldest living child rotates and its siblings die", state: three, present: 6, want: models.Rotated, then: fork{6, 9, 9}, children: 1},
			{name: "a child in between rotates, from wherever and however late", state: three, present: 7, after: 29 * 24 * time.Hour, ip: "203.0.113.9", want: models.Rotated, then: fork{7, 9, 9}, children: 1},

			{name: "the base repeats at once", state: three, present: 4, want: models.Repeated, then: three, children: 3},
			{name: "the base repeats at the window's very end", state: three, present: 4, after: window, want: models.Repeated, then: three, children: 3},
			{name: "the base forks a microsecond later", state: three, present: 4, after: window + us, want: models.Forked, then: fork{4, 6, 9}, children: 4},
			{name: "the base forks from another address inside the window", state: three, present: 4, ip: "203.0.113.9", want: models.Forked, then: fork{4, 6, 9}, children: 4},
			{name: "the base repeats for a clock that is behind", state: three, present: 4, after: -time.Minute, want: models.Repeated, then: three, children: 3},
			{name: "the base of a bound device repeats however late and from wherever", state: three, device: bound, present: 4, after: time.Hour, ip: "203.0.113.9", jkt: "key-1", want: models.Repeated, then: three, children: 3},
			{name: "the third child of a base is counted", state: fork{4, 6, 7}, present: 4, after: time.Hour, want: models.Forked, then: fork{4, 6, 8}, children: 3},
			{name: "the base of a new device forks", state: fork{0, 1, 1}, present: 0, after: time.Hour, want: models.Forked, then: fork{0, 1, 2}, children: 2},

			{name: "a dead sibling is reuse", state: three, present: 5, want: models.Reused, then: three, children: 1},
			{name: "the base's own parent is reuse", state: three, present: 3, want: models.Reused, then: three, children: 1},
			{name: "the very first token is reuse", state: three, present: 1, want: models.Reused, then: three, children: 1},
			{name: "an old token of a bound device is reuse", state: three, device: bound, present: 3, jkt: "key-1", want: models.Reused, then: three, children: 1},

			{name: "the next one above the latest restores", state: three, present: 9, want: models.Restored, then: fork{9, 10, 10}, children: 1},
			{name: "a token far ahead restores", state: three, present: 1 << 40, want: models.Restored, then: fork{1 << 40, 1<<40 + 1, 1<<40 + 1}, children: 1},
			{name: "a token ahead of a bound device restores with its key", state: three, device: bound, present: 9, jkt: "key-1", want: models.Restored, then: fork{9, 10, 10}, children: 1},

			{name: "a generation that has no successor is unknown", state: three, present: math.MaxInt64, want: models.Unknown, then: three},
			{name: "the last generation but one is unknown", state: three, present: math.MaxInt64 - 1, want: models.Unknown, then: three},
			{name: "a negative generation is unknown", state: three, present: -1, want: models.Unknown, then: three},

			{name: "an unbound device may show a key", state: three, present: 8, jkt: "key-1", want: models.Rotated, then: fork{8, 9, 9}, children: 1},
			{name: "a bound device rotates with its key", state: three, device: bound, present: 8, jkt: "key-1", want: models.Rotated, then: fork{8, 9, 9}, children: 1},
			{name: "a bound device with another key gets nothing", state: three, device: bound, present: 8, jkt: "key-2", want: models.Unbound, then: three},
			{name: "a bound device without a key gets nothing", state: three, device: bound, present: 8, want: models.Unbound, then: three},
			{name: "a dead token with another key is not reuse", state: three, device: bound, present: 3, jkt: "key-2", want: models.Unbound, then: three},
			{name: "a token ahead with another key restores nothing", state: three, device: bound, present: 9, jkt: "key-2", want: models.Unbound, then: three},
		} {
			t.Run(c.name, func(t *testing.T) {
				u := addUser(t, s)
				before := addForked(t, s, u, c.state, c.device)
				r := present(before, c.present, noon.Add(c.after))
				if r.JKT = c.jkt; c.ip != "" {
					r.IP = c.ip
				}
				got := rotate(t, s, r)
				after := device(t, s, before)
				if got.Outcome != c.want || forkOf(after) != c.then || got.Children != c.children {
					t.Errorf("outcome %d, row %+v, %d children; want %d, %+v, %d", got.Outcome, forkOf(after), got.Children, c.want, c.then, c.children)
				}
				checkAnswer(t, r, before, after, got)
			})
		}
	})
}

// checkAnswer checks what holds for every outcome: which columns change, and that the answer equals the row.
func checkAnswer(t *testing.T, r models.Rotation, before, after models.Device, got models.RotateResult) {
	t.Helper()
	usable := got.Outcome >= models.Rotated && got.Outcome <= models.Restored
	if usable && (got.Device.ID != after.ID || forkOf(got.Device) != forkOf(after) || got.Device.Name != "phone" || !got.Device.ExpiresAt.Equal(after.ExpiresAt) || got.Device.JKT != after.JKT) {
		t.Errorf("answered %+v, the row is %+v", got.Device, after)
	}
	if seen := after.LastSeenAt.Equal(r.Now) && after.LastIP == r.IP; usable && !seen {
		t.Errorf("last seen %v from %s, want %v from %s", after.LastSeenAt, after.LastIP, r.Now, r.IP)
	}
	moved := usable && got.Outcome != models.Repeated
	if want := map[bool]time.Time{true: r.Now, false: before.RotatedAt}[moved]; !after.RotatedAt.Equal(want) {
		t.Errorf("rotated_at is %v, want %v", after.RotatedAt, want)
	}
	if revoked := after.RevokedAt != nil; revoked != (got.Outcome == models.Reused) {
		t.Errorf("revoked: %v", revoked)
	}
}

func TestAStoryOfTheForkRule(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		d := addApp(t, s, u.ID, "phone")
		at := noon
		for i, step := range []struct {
			says       string
			generation int64
			want       models.Outcome
			then       fork
		}{
			{"sign-in's token", 1, models.Rotated, fork{1, 2, 2}},
			{"its answer was lost", 1, models.Forked, fork{1, 2, 3}},
			{"and once more", 1, models.Forked, fork{1, 2, 4}},
			{"the middle child wins", 3, models.Rotated, fork{3, 5, 5}},
			{"a lost answer again", 3, models.Forked, fork{3, 5, 6}},
			{"the older child wins", 5, models.Rotated, fork{5, 7, 7}},
			{"ahead, after a backup", 20, models.Restored, fork{20, 21, 21}},
			{"its answer was lost too", 20, models.Forked, fork{20, 21, 22}},
			{"one of the two", 21, models.Rotated, fork{21, 23, 23}},
			{"its dead sibling", 22, models.Reused, fork{21, 23, 23}},
			{"nothing helps now", 23, models.Revoked, fork{21, 23, 23}},
		} {
			at = at.Add(time.Minute)
			got := rotate(t, s, present(d, step.generation, at))
			if row := forkOf(device(t, s, d)); got.Outcome != step.want || row != step.then {
				t.Fatalf("step %d, %s: outcome %d, row %+v; want %d, %+v", i+1, step.says, got.Outcome, row, step.want, step.then)
			}
		}
		if got, want := kinds(t, s, u.ID), "device_reused device_restored sign_in account_created"; got != want {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}
