package services_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

const (
	notesDigits = "146de983c5730650d8eeb9952f34fc6416a083425fe6a6ef8d42d78bb4ba3d5c"
	notesColons = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:5F:E6:A6:EF:8D:42:D7:8B:B4:BA:3D:5C"
)

// other is another fingerprint.
var other = strings.Replace(notesDigits, "14", "ff", 1)

func TestNativeAppsAreReadAndKept(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		for _, r := range []client.Registration{
			{Name: "Web", ID: "web"},
			{
				Name: "Notes", ID: "notes-1.0_~", IOSApps: []string{"ZZZZZ12345.com.example.notes", "A1B2C3D4E5.com.example.Notes-2", "A1B2C3D4E5.com.example.Notes-2"},
				AndroidApps: []string{"com.example.notes=" + notesColons, "com.example.beta=" + other, "com.example.notes=" + strings.ToUpper(other)},
			},
			{Name: "More", IOSApps: []string{"ZZZZZ12345.com.example.notes"}, AndroidApps: []string{"com.example.notes=" + strings.ToLower(notesColons), "A.b_9=" + notesDigits}},
		} {
			if c, err := d.Clients.Add(t.Context(), r); err != nil || r.ID != "" && c.ID != r.ID {
				t.Fatalf("%s: %+v %v", r.Name, c, err)
			}
		}
		apps, err := d.Clients.Apps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var android []string
		for _, app := range apps.Android {
			line := app.Package
			for _, certificate := range app.Certificates {
				line += " " + client.Fingerprint(certificate)
			}
			android = append(android, line)
		}
		otherColons := strings.Replace(notesColons, "14", "FF", 1)
		if want := []string{"A.b_9 " + notesColons, "com.example.beta " + otherColons, "com.example.notes " + notesColons + " " + otherColons}; !slices.Equal(android, want) {
			t.Errorf("%q, want %q", android, want)
		}
		if want := []string{"A1B2C3D4E5.com.example.Notes-2", "ZZZZZ12345.com.example.notes"}; !slices.Equal(apps.IOS, want) {
			t.Errorf("%q, want %q", apps.IOS, want)
		}
	})
}

func TestMistakesInARegistrationAreNamed(t *testing.T) {
	store, err := models.Open(t.Context(), models.Config{URL: modelstest.MigratedSQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, store)
	if _, err := d.Clients.Add(t.Context(), client.Registration{Name: "Notes", ID: "taken"}); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range client.MaxApps + 1 {
		many = append(many, "A1B2C3D4E5.com.example.n"+strings.Repeat("x", i))
	}
	for name, test := range map[string]struct {
		r     client.Registration
		field string
		says  string
	}{
		"no name":                         {client.Registration{}, "name", "needs a name"},
		"an id that is taken":             {client.Registration{ID: "taken"}, "id", "Another app has it"},
		"an id with a colon":              {client.Registration{ID: "a:b"}, "id", "letters"},
		"an id with a space":              {client.Registration{ID: "a b"}, "id", "letters"},
		"an id with a line break":         {client.Registration{ID: "a\n"}, "id", "letters"},
		"an id that is too long":          {client.Registration{ID: strings.Repeat("a", 129)}, "id", "128"},
		"an iOS app without a team":       {client.Registration{IOSApps: []string{"com.example.notes"}}, "ios-app", `"com.example.notes" is not a team`},
		"an iOS app with a short team":    {client.Registration{IOSApps: []string{"A1B2C3D4E.com.example"}}, "ios-app", "is not a team"},
		"an iOS app with a small team":    {client.Registration{IOSApps: []string{"a1b2c3d4e5.com.example"}}, "ios-app", "is not a team"},
		"an iOS app with a wildcard":      {client.Registration{IOSApps: []string{"A1B2C3D4E5.com.example.*"}}, "ios-app", "is not a team"},
		"an iOS app with a space":         {client.Registration{IOSApps: []string{"A1B2C3D4E5.com.example A1B2C3D4E5.com.other"}}, "ios-app", "is not a team"},
		"an iOS app that ends in a dot":   {client.Registration{IOSApps: []string{"A1B2C3D4E5.com.example."}}, "ios-app", "is not a team"},
		"an empty iOS app":                {client.Registration{IOSApps: []string{""}}, "ios-app", `"" is not a team`},
		"too many iOS apps":               {client.Registration{IOSApps: many}, "ios-app", "50"},
		"an Android app without =":        {client.Registration{AndroidApps: []string{"com.example.notes"}}, "android-app", `"" is not a fingerprint`},
		"an Android app without package":  {client.Registration{AndroidApps: []string{"=" + notesDigits}}, "android-app", "does not begin with a package"},
		"an Android app with one word":    {client.Registration{AndroidApps: []string{"notes=" + notesDigits}}, "android-app", "does not begin with a package"},
		"an Android app with a digit":     {client.Registration{AndroidApps: []string{"com.1notes=" + notesDigits}}, "android-app", "does not begin with a package"},
		"an Android app with a hyphen":    {client.Registration{AndroidApps: []string{"com.ex-ample=" + notesDigits}}, "android-app", "does not begin with a package"},
		"an Android app with a comma":     {client.Registration{AndroidApps: []string{"com.example=" + notesDigits + "," + other}}, "android-app", "is not a fingerprint"},
		"a fingerprint with a digit less": {client.Registration{AndroidApps: []string{"com.example=" + notesDigits[:63]}}, "android-app", "is not a fingerprint"},
		"a SHA-1 fingerprint":             {client.Registration{AndroidApps: []string{"com.example=" + notesDigits[:40]}}, "android-app", "has 64 hexadecimal digits, and that of com.example has 40"},
		"a SHA-1 fingerprint in pairs":    {client.Registration{AndroidApps: []string{"com.example=" + notesColons[:59]}}, "android-app", "has 40"},
		"a SHA-512 fingerprint":           {client.Registration{AndroidApps: []string{"com.example=" + notesDigits + notesDigits}}, "android-app", "has 128"},
		"a fingerprint in base64":         {client.Registration{AndroidApps: []string{"com.example=FG3pg8VzBlDY7rmVLzT8ZBagg0Jf5qbvjULXi7S6PVw="}}, "android-app", "is not a fingerprint"},
		"colons at odd places":            {client.Registration{AndroidApps: []string{"com.example=1:46DE983C5:730650"}}, "android-app", "is not a fingerprint"},
		"a colon at the end":              {client.Registration{AndroidApps: []string{"com.example=" + notesColons + ":"}}, "android-app", "is not a fingerprint"},
	} {
		if name != "no name" {
			test.r.Name = "An app"
		}
		_, err := d.Clients.Add(t.Context(), test.r)
		refusal := auth.AsError(err)
		if refusal.Kind != auth.KindInvalidRequest || len(refusal.Fields) != 1 || refusal.Fields[0].Field != test.field || !strings.Contains(refusal.Fields[0].Detail, test.says) {
			t.Errorf("%s: %v, %+v", name, err, refusal.Fields)
		}
	}
	if list, err := d.Clients.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// Commands register apps in a process of their own.
func TestAServerSeesNewAppsSoon(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		count := func() int {
			apps, err := d.Clients.Apps(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(apps.IOS)
		}
		elsewhere := func(id string) {
			t.Helper()
			if err := store.AddClient(t.Context(), models.Client{ID: id, Name: id, CreatedAt: d.now(), IOSApps: "A1B2C3D4E5." + id}); err != nil {
				t.Fatal(err)
			}
		}
		count()
		elsewhere("one")
		d.advance(client.ReadEvery - time.Microsecond)
		if n := count(); n != 0 {
			t.Errorf("%d before the time", n)
		}
		d.advance(time.Microsecond)
		if n := count(); n != 1 {
			t.Errorf("%d after it", n)
		}
		elsewhere("two")
		d.advance(-time.Hour) // what was read by a clock that was ahead is not believed
		if n := count(); n != 2 {
			t.Errorf("%d after the clock went back", n)
		}
		if err := d.Clients.Remove(t.Context(), "one"); err != nil || count() != 1 {
			t.Errorf("removed here: %v", err)
		}
		if _, err := d.Clients.Add(t.Context(), client.Registration{Name: "three", IOSApps: []string{"A1B2C3D4E5.three"}}); err != nil || count() != 2 {
			t.Errorf("added here: %v", err)
		}
		d.advance(time.Hour)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 2 {
			t.Errorf("%d while the database is down", n)
		}
		d.change(t, func(*services.Config) {})
		if _, err := d.Clients.Apps(t.Context()); err == nil || errors.Is(err, models.ErrNotFound) {
			t.Errorf("started while the database is down: %v", err)
		}
	})
}
