package models_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestWhyAndWhenADeviceEnded(t *testing.T) {
	day := 24 * time.Hour
	now := noon.Add(40 * day)
	later := now.Add(100 * day)
	l := models.Liveness{Now: now, AppSince: now.Add(-30 * day), BrowserSince: now.Add(-day), SupportSince: now.Add(-30 * time.Minute)}
	app := models.Device{Kind: models.KindApp, LastSeenAt: noon, ExpiresAt: later}
	browser := models.Device{Kind: models.KindBrowser, LastSeenAt: noon, ExpiresAt: later}
	seen := func(d models.Device, at time.Time) models.Device { d.LastSeenAt = at; return d }
	until := func(d models.Device, at time.Time) models.Device { d.ExpiresAt = at; return d }
	marked := func(d models.Device, reason models.EndReason) models.Device {
		d.RevokedAt, d.RevokedBy, d.RevokeReason = &now, models.ActorSystem, reason
		return d
	}
	live := models.Ending{}
	for name, c := range map[string]struct {
		device      models.Device
		user, staff models.Ending
	}{
		"a live app":                        {seen(app, now), live, live},
		"a live browser":                    {seen(browser, now), live, live},
		"a browser unseen for an hour":      {seen(browser, now.Add(-time.Hour)), live, models.Ending{Reason: models.RevokedByIdleness, At: now.Add(-30 * time.Minute)}},
		"an app unseen for an hour":         {seen(app, now.Add(-time.Hour)), live, live},
		"an idle browser":                   {browser, idleAt(noon.Add(day)), idleAt(noon.Add(30 * time.Minute))},
		"an idle app":                       {app, idleAt(noon.Add(30 * day)), idleAt(noon.Add(30 * day))},
		"expired":                           {until(app, noon.Add(time.Hour)), expiredAt(noon.Add(time.Hour)), expiredAt(noon.Add(time.Hour))},
		"expires now":                       {until(seen(app, now), now), expiredAt(now), expiredAt(now)},
		"idle now":                          {seen(app, l.AppSince), idleAt(now), idleAt(now)},
		"idle, then expired":                {until(app, now.Add(-day)), idleAt(noon.Add(30 * day)), idleAt(noon.Add(30 * day))},
		"expired, and marked later":         {marked(until(app, noon.Add(time.Hour)), models.RevokedByExpiry), expiredAt(noon.Add(time.Hour)), expiredAt(noon.Add(time.Hour))},
		"idle, and marked later":            {marked(app, models.RevokedByIdleness), idleAt(noon.Add(30 * day)), idleAt(noon.Add(30 * day))},
		"idle under a shorter limit then":   {marked(seen(app, now), models.RevokedByIdleness), idleAt(now), idleAt(now)},
		"revoked, and past its limits":      {marked(until(app, noon), models.RevokedByReuse), models.Ending{Reason: models.RevokedByReuse, At: now}, models.Ending{Reason: models.RevokedByReuse, At: now}},
		"revoked by a later release":        {marked(app, "of tomorrow"), models.Ending{Reason: "of tomorrow", At: now}, models.Ending{Reason: "of tomorrow", At: now}},
		"revoked without a reason":          {marked(app, ""), models.Ending{At: now}, models.Ending{At: now}},
		"expired in the future, yet marked": {marked(seen(app, now), models.RevokedByExpiry), expiredAt(now), expiredAt(now)},
	} {
		for role, want := range map[string]models.Ending{models.RoleUser: c.user, models.RoleSupport: c.staff} {
			if got := models.DeviceEnd(c.device, l, role); got.Reason != want.Reason || !got.At.Equal(want.At) {
				t.Errorf("%s of a %s: %+v, want %+v", name, role, got, want)
			}
		}
	}
}

func idleAt(at time.Time) models.Ending {
	return models.Ending{Reason: models.RevokedByIdleness, At: at}
}

func expiredAt(at time.Time) models.Ending {
	return models.Ending{Reason: models.RevokedByExpiry, At: at}
}

func TestEveryReasonIsGivenForARowThatHasIt(t *testing.T) {
	for _, reason := range models.EndReasons {
		for _, role := range []string{models.RoleUser, models.RoleSupport} {
			for _, kind := range []string{models.KindApp, models.KindBrowser} {
				d := models.Device{Kind: kind, LastSeenAt: noon, ExpiresAt: noon.Add(lifetime), RevokedAt: &noon, RevokedBy: models.ActorOwner, RevokeReason: reason}
				if reason == models.RevokedByPasswordSet {
					d.RevokedBy, d.RevokeReason = models.ActorOperator, models.RevokedByPassword
				}
				if got := models.DeviceEnd(d, live(noon), role); got.Reason != reason || !got.At.Equal(noon) || got.Live() {
					t.Errorf("%s, %s, %s: %+v", reason, role, kind, got)
				}
			}
		}
	}
}

// The statements decide by liveCondition, the pages and the export by DeviceEnd.
func TestDeviceEndAgreesWithTheDatabaseOnWhatIsLive(t *testing.T) {
	const us = time.Microsecond
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		user, staff := addUser(t, s), addUser(t, s)
		if err := s.SetRole(t.Context(), staff.ID, models.RoleSupport, event(models.EventRoleChanged, staff.ID, noon)); err != nil {
			t.Fatal(err)
		}
		at := noon.Add(lifetime)
		var differ int
		for _, owner := range []models.User{user, staff} {
			role := map[bool]string{true: models.RoleSupport, false: models.RoleUser}[owner.ID == staff.ID]
			for _, kind := range []string{models.KindApp, models.KindBrowser} {
				d := add(t, s, signIn(owner.ID, kind, kind, noon))
				for _, now := range []time.Time{at.Add(-us), at, noon.Add(time.Hour)} {
					for _, since := range []time.Duration{-us, 0, us} {
						for _, staffSince := range []time.Duration{-us, 0, us} {
							l := models.Liveness{Now: now, AppSince: noon.Add(since), BrowserSince: noon.Add(since), SupportSince: noon.Add(staffSince)}
							_, err := s.LiveDevice(t.Context(), owner.ID, d.ID, l)
							if got := models.DeviceEnd(d, l, role).Live(); got != (err == nil) {
								t.Errorf("%s of a %s, %+v: live %v, and by the database %v", kind, role, l, got, err)
							}
							if err == nil {
								differ++
							}
						}
					}
				}
			}
		}
		if differ == 0 {
			t.Error("nothing was live")
		}
	})
}

func TestEveryReasonStandsInItsList(t *testing.T) {
	var list []string
	for _, reason := range models.EndReasons {
		list = append(list, string(reason))
	}
	same(t, constantsOf(t, "device_end.go", "EndReason"), list)
}

func TestEveryKindOfEventStandsInItsList(t *testing.T) {
	var list []string
	for _, kind := range models.EventKinds {
		list = append(list, string(kind))
	}
	same(t, constantsOf(t, "event.go", "EventKind"), list)
}

// constantsOf are the constants of a type, as the source has them.
func constantsOf(t *testing.T, file, named string) (list []string) {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(source, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == named {
				word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, word)
			}
		}
		return true
	})
	return list
}

// same fails unless two lists have the same elements, each once.
func same(t *testing.T, want, got []string) {
	t.Helper()
	want, got = slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
	if !slices.Equal(got, want) || len(slices.Compact(got)) != len(want) || len(want) == 0 {
		t.Errorf("the list has\n%q, the source has\n%q", got, want)
	}
}
