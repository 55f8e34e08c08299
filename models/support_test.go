package models_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// addNamed creates an account with the given address.
func addNamed(t *testing.T, s *models.Store, email, role string) models.User {
	t.Helper()
	u := models.User{ID: models.NewID(noon), Email: email, EmailKey: strings.ToLower(email), PasswordHash: password, Role: role, CreatedAt: noon}
	if err := s.AddUser(t.Context(), u, event(models.EventAccountCreated, u.ID, noon)); err != nil {
		t.Fatal(err)
	}
	return u
}

func deskSearch(at time.Time, limit int) models.DeviceSearch {
	l := live(at)
	l.SupportSince = at.Add(-idle)
	return models.DeviceSearch{Live: l, Limit: limit}
}

func deviceNames(list []models.FoundDevice) (names []string) {
	for _, d := range list {
		names = append(names, d.Device.Name)
	}
	return names
}

func emails(list []models.FoundPerson) (emails []string) {
	for _, p := range list {
		emails = append(emails, p.Email)
	}
	return emails
}

func TestADeviceIsFoundByTheBeginningOfItsName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		names := []string{"Pixel 9", "pixel", "PIXEL_8", "Pixel%8", "Pixie", "Pixem", "Élan", "E\u0301LAN zwei", "\u200fPix\u200bel hidden", "ΣΊΣΥΦΟΣ", "x\U0010ffff", "x\U0010ffffy", "x\ud7ff", `a\b`, "'; --"}
		u := addUser(t, s)
		for _, name := range names {
			addApp(t, s, u.ID, name)
		}
		renamed := addApp(t, s, u.ID, "Pixel of old")
		_, err := s.RenameDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: renamed.ID}, live(noon), named("Tablet"), event(models.EventDeviceRenamed, u.ID, noon))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			typed string
			whole bool
			want  []string
		}{
			{"PIXEL", false, []string{"pixel", "Pixel 9", "\u200fPix\u200bel hidden", "Pixel%8", "PIXEL_8"}},
			{"pixel", true, []string{"pixel"}},
			{"pixel_", false, []string{"PIXEL_8"}},
			{"pixel%", false, []string{"Pixel%8"}},
			{"%", false, nil},
			{"_ixel", false, nil},
			{"e\u0301lan", false, []string{"Élan", "E\u0301LAN zwei"}},
			{"σίσυφ", false, []string{"ΣΊΣΥΦΟΣ"}},
			{"x\U0010ffff", false, []string{"x\U0010ffff", "x\U0010ffffy"}},
			{"x\ud7ff", false, []string{"x\ud7ff"}},
			{`a\`, false, []string{`a\b`}},
			{"';", false, []string{"'; --"}},
			{"tab", false, []string{"Tablet"}},
			{"nothing", false, nil},
		} {
			list, err := s.DevicesByName(t.Context(), models.KeyPrefix{Text: models.NameKey(c.typed), Whole: c.whole}, models.NameCursor{}, deskSearch(noon, 50))
			if diff := cmp.Diff(c.want, deviceNames(list)); err != nil || diff != "" {
				t.Errorf("%q: %v %s", c.typed, err, diff)
			}
		}
	})
}

func TestPagesOfASearchHoldEachDeviceOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for i := range 12 { // most of them have one name
			u := addUser(t, s)
			addApp(t, s, u.ID, "phone")
			addApp(t, s, u.ID, fmt.Sprintf("phone of %d", i%3))
		}
		whole := func(list []models.FoundDevice, err error) []models.FoundDevice {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		name := models.KeyPrefix{Text: "phone"}
		byName := whole(s.DevicesByName(t.Context(), name, models.NameCursor{}, deskSearch(noon, 100)))
		byAddress := whole(s.DevicesByAddress(t.Context(), home, uuid.Nil, deskSearch(noon, 100)))
		if len(byName) != 24 || len(byAddress) != 24 || !slices.IsSortedFunc(byAddress, func(a, b models.FoundDevice) int {
			return slices.Compare(b.Device.ID[:], a.Device.ID[:])
		}) {
			t.Fatalf("%d by name, %d by address", len(byName), len(byAddress))
		}
		for _, size := range []int{1, 5, 24} {
			var pagedByName, pagedByAddress []models.FoundDevice
			for after := (models.NameCursor{}); ; {
				page := whole(s.DevicesByName(t.Context(), name, after, deskSearch(noon, size)))
				if len(page) == 0 {
					break
				}
				last := page[len(page)-1].Device
				pagedByName, after = append(pagedByName, page...), models.NameCursor{Key: last.NameKey, ID: last.ID}
			}
			for before := uuid.Nil; ; {
				page := whole(s.DevicesByAddress(t.Context(), home, before, deskSearch(noon, size)))
				if len(page) == 0 {
					break
				}
				pagedByAddress, before = append(pagedByAddress, page...), page[len(page)-1].Device.ID
			}
			if cmp.Diff(byName, pagedByName) != "" || cmp.Diff(byAddress, pagedByAddress) != "" {
				t.Errorf("pages of %d: %q, %q", size, deviceNames(pagedByName), deviceNames(pagedByAddress))
			}
		}
	})
}

func TestAFilterNarrowsASearch(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, other := addNamed(t, s, "uma@example.org", models.RoleUser), addNamed(t, s, "ursula@example.org", models.RoleUser)
		addApp(t, s, u.ID, "x app")
		add(t, s, signIn(u.ID, models.KindBrowser, "x browser", noon.Add(2*time.Hour)))
		gone := addApp(t, s, u.ID, "x gone")
		if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: gone.ID}, event(models.EventDeviceRevoked, u.ID, noon)); err != nil {
			t.Fatal(err)
		}
		short := signIn(other.ID, models.KindApp, "x expired", noon)
		short.Device.ExpiresAt = noon.Add(time.Hour)
		add(t, s, short)
		now := noon.Add(3 * time.Hour)
		for _, c := range []struct {
			name    string
			filter  models.DeviceFilter
			devices []string
			people  []string
		}{
			{"none", models.DeviceFilter{}, []string{"x app", "x browser", "x expired", "x gone"}, []string{"uma@example.org", "ursula@example.org"}},
			{"apps", models.DeviceFilter{Kind: models.KindApp}, []string{"x app", "x expired", "x gone"}, []string{"uma@example.org", "ursula@example.org"}},
			{"browsers", models.DeviceFilter{Kind: models.KindBrowser}, []string{"x browser"}, []string{"uma@example.org"}},
			{"live", models.DeviceFilter{Live: models.OnlyLive}, []string{"x app", "x browser"}, []string{"uma@example.org"}},
			{"ended", models.DeviceFilter{Live: models.OnlyEnded}, []string{"x expired", "x gone"}, []string{"uma@example.org", "ursula@example.org"}},
			{"seen", models.DeviceFilter{SeenSince: noon.Add(time.Hour)}, []string{"x browser"}, []string{"uma@example.org"}},
			{"all of it", models.DeviceFilter{Kind: models.KindApp, Live: models.OnlyEnded, SeenSince: noon}, nil, nil},
		} {
			q := deskSearch(now, 10)
			q.Filter = c.filter
			devices, err := s.DevicesByName(t.Context(), models.KeyPrefix{Text: "x "}, models.NameCursor{}, q)
			if diff := cmp.Diff(c.devices, deviceNames(devices)); err != nil || diff != "" {
				t.Errorf("%s: %v %s", c.name, err, diff)
			}
			people, err := s.PeopleByEmail(t.Context(), models.KeyPrefix{Text: "u"}, "", q)
			if diff := cmp.Diff(c.people, emails(people)); err != nil || diff != "" {
				t.Errorf("%s, people: %v %s", c.name, err, diff)
			}
			for _, d := range devices {
				if want := d.Device.Name == "x app" || d.Device.Name == "x browser"; d.End.Live() != want {
					t.Errorf("%s: %q is live: %v", c.name, d.Device.Name, d.End.Live())
				}
			}
		}
	})
}

func TestAPersonIsFoundByTheBeginningOfTheAddressAndTheWholeOneFirst(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for _, email := range []string{"ada@example.com", "Ada@example.co", "ada_x@example.com", "adam@example.com", "bea@example.com", "ada%@example.com"} {
			addNamed(t, s, email, models.RoleUser)
		}
		var got []string
		for after := ""; ; {
			page, err := s.PeopleByEmail(t.Context(), models.KeyPrefix{Text: "ada@example.co"}, after, deskSearch(noon, 1))
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page[0].Email), page[0].EmailKey
		}
		if diff := cmp.Diff([]string{"Ada@example.co", "ada@example.com"}, got); diff != "" {
			t.Error(diff)
		}
		for typed, want := range map[string][]string{
			"ada": {"ada%@example.com", "Ada@example.co", "ada@example.com", "ada_x@example.com", "adam@example.com"}, "ada_": {"ada_x@example.com"}, "ada%": {"ada%@example.com"}, "%": nil,
		} {
			people, err := s.PeopleByEmail(t.Context(), models.KeyPrefix{Text: typed}, "", deskSearch(noon, 10))
			if diff := cmp.Diff(want, emails(people)); err != nil || diff != "" {
				t.Errorf("%q: %v %s", typed, err, diff)
			}
		}
	})
}

func TestADeviceIsFoundByIdAndItsOwnerWithoutSecrets(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addNamed(t, s, "Zoe@example.org", models.RoleSupport)
		d := addApp(t, s, u.ID, "phone")
		add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		list, err := s.DevicesByID(t.Context(), d.ID, deskSearch(noon, 5))
		if err != nil || len(list) != 1 || list[0].Device.Name != "phone" || !list[0].End.Live() || list[0].OwnerEmail != "Zoe@example.org" || list[0].OwnerRole != models.RoleSupport || len(list[0].Device.SecretHash) != 0 {
			t.Errorf("%v %+v", err, list)
		}
		p, err := s.PersonByID(t.Context(), u.ID, live(noon))
		if want := (models.FoundPerson{ID: u.ID, Email: "Zoe@example.org", EmailKey: "zoe@example.org", Role: models.RoleSupport, CreatedAt: noon, PasswordChangedAt: noon, Devices: 2}); err != nil || cmp.Diff(want, p) != "" {
			t.Errorf("%v %+v", err, p)
		}
		if _, err := s.DisableUser(t.Context(), u.ID, event(models.EventDisabled, u.ID, noon), models.MailWithLinks{}); err != nil {
			t.Fatal(err)
		}
		if p, err = s.PersonByID(t.Context(), u.ID, live(noon)); err != nil || p.DisabledAt == nil || p.Devices != 0 {
			t.Errorf("disabled: %v %+v", err, p)
		}
		if list, err := s.DevicesByID(t.Context(), uuid.New(), deskSearch(noon, 5)); err != nil || len(list) != 0 {
			t.Errorf("unknown device: %v %+v", err, list)
		}
		if _, err := s.PersonByID(t.Context(), uuid.New(), live(noon)); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("unknown account: %v", err)
		}
	})
}

// Support sees every column of a device but those that make up its token, and the program of its latest refresh, which only the event
// of a copied sign-in tells. A new column must be in one list or the other.
func TestSupportSeesEveryColumnOfADeviceButItsSecrets(t *testing.T) {
	withheld := []string{"SecretHash", "Generation", "Base", "Floor", "Repeats", "RotatedAt", "MaxRefreshes", "StatusIndex", "FormerHash", "FormerUntil", "RefreshAgent", "RefreshAgentAt", "Installation", "Seq"}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, index := addUser(t, s), int64(7)
		n := signIn(u.ID, models.KindApp, "phone", noon)
		d := &n.Device
		d.UserAgent, d.Base, d.Repeats, d.MaxRefreshes, d.JKT, d.StatusIndex = "agent", 1, 1, 9, "thumbprint", &index
		d.SignedInBy, d.ProvedBy, d.ProvedAt, d.FormerHash, d.FormerUntil = models.ByPassword, models.ByPasskey, &d.CreatedAt, []byte("former"), &d.CreatedAt
		d.RefreshAgent, d.RefreshAgentAt, d.Scope, d.ThroughAgent = "agent", &d.CreatedAt, "openid", "browser"
		d.Installation = []byte("hash")
		whole := add(t, s, n)
		key := models.DeviceKey{UserID: u.ID, ID: whole.ID}
		if _, _, err := s.RevokeDevice(t.Context(), key, models.Event{UserID: u.ID, At: noon, Kind: models.EventDeviceRevoked, Actor: models.ActorOwner, Detail: string(models.RevokedByOwner)}); err != nil {
			t.Fatal(err)
		}
		whole = device(t, s, whole)
		list, err := s.DevicesByID(t.Context(), whole.ID, deskSearch(noon, 1))
		if err != nil || len(list) != 1 {
			t.Fatal(err, list)
		}
		is, seen := reflect.ValueOf(whole), reflect.ValueOf(list[0].Device)
		for i := range is.NumField() {
			name := is.Type().Field(i).Name
			switch hidden := slices.Contains(withheld, name); {
			case is.Field(i).IsZero():
				t.Errorf("%s is empty, so this says nothing about it", name)
			case hidden && !seen.Field(i).IsZero():
				t.Errorf("support sees %s", name)
			case !hidden && !reflect.DeepEqual(is.Field(i).Interface(), seen.Field(i).Interface()):
				t.Errorf("support does not see %s", name)
			}
		}
	})
}

func TestAPersonsDevicesAreTheLiveOnesAndTheEndedOnes(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u, stranger := addUser(t, s), addUser(t, s)
		addApp(t, s, stranger.ID, "hers")
		ends := map[int]time.Time{0: noon.Add(10 * time.Second), 2: noon.Add(40 * time.Second), 4: noon.Add(20 * time.Second), 6: noon.Add(30 * time.Second)}
		for i := range 7 {
			d := add(t, s, signIn(u.ID, models.KindApp, fmt.Sprint(i), noon.Add(time.Duration(i)*time.Second)))
			if i%2 == 0 {
				if _, _, err := s.RevokeDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, event(models.EventDeviceRevoked, u.ID, ends[i])); err != nil {
					t.Fatal(err)
				}
			}
		}
		at := live(noon.Add(time.Minute))
		current, err := s.RecentDevices(t.Context(), u.ID, at, 2)
		if diff := cmp.Diff([]string{"5", "3"}, deviceNames(current)); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		ended, err := s.EndedDevices(t.Context(), u.ID, at, 9)
		if diff := cmp.Diff([]string{"2", "6", "4", "0"}, deviceNames(ended)); err != nil || diff != "" {
			t.Errorf("the latest to end is not first: %v %s", err, diff)
		}
	})
}

func TestABrowserOfTheSupportStaffIdlesOutSooner(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		staff, user := addNamed(t, s, "sam@example.org", models.RoleSupport), addNamed(t, s, "uma@example.org", models.RoleUser)
		const short = 30 * time.Minute
		for _, c := range []struct {
			owner models.User
			kind  string
			after time.Duration
			want  bool
		}{
			{staff, models.KindBrowser, short - time.Microsecond, true}, {staff, models.KindBrowser, short, false},
			{user, models.KindBrowser, short, true}, {staff, models.KindApp, short, true},
			{user, models.KindBrowser, idle, false}, {staff, models.KindApp, idle, false},
		} {
			d := add(t, s, signIn(c.owner.ID, c.kind, fmt.Sprint(c.kind, c.after), noon))
			at := live(noon.Add(c.after))
			at.SupportSince = at.Now.Add(-short)
			list, err := s.LiveDevices(t.Context(), c.owner.ID, at)
			if err != nil || slices.ContainsFunc(list, func(l models.Device) bool { return l.ID == d.ID }) != c.want {
				t.Errorf("%s's %s after %v is among the live ones: %v, %v", c.owner.Email, c.kind, c.after, !c.want, err)
			}
			if _, _, err := s.BrowserSession(t.Context(), d.UserID, d.ID, secretOf(d.ID), at); (err == nil) != (c.want && c.kind == models.KindBrowser) {
				t.Errorf("%s's %s after %v: %v", c.owner.Email, c.kind, c.after, err)
			}
		}
	})
}

func TestEventsAreCountedByKindAndUTCDay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		midnight := noon.Add(12 * time.Hour)
		for _, e := range []struct {
			kind models.EventKind
			at   time.Time
		}{
			{models.EventSignIn, midnight.Add(-time.Microsecond)}, {models.EventSignIn, midnight}, {models.EventSignIn, midnight.Add(time.Hour)},
			{models.EventSignInFailed, midnight.In(time.FixedZone("", -5*3600))}, {models.EventSignOut, midnight},
			{models.EventSignIn, noon.Add(-time.Microsecond)}, {models.EventSignIn, noon}, {models.EventSignIn, midnight.Add(24 * time.Hour)},
		} {
			if err := s.AddEvent(t.Context(), event(e.kind, addUser(t, s).ID, e.at)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.DailyCounts(t.Context(), []models.EventKind{models.EventSignIn, models.EventSignInFailed}, noon, midnight.Add(24*time.Hour))
		slices.SortFunc(got, func(a, b models.DayCount) int {
			return int(a.Day-b.Day)*100 + strings.Compare(string(a.Kind), string(b.Kind))
		})
		day := midnight.Unix() / 86400
		want := []models.DayCount{{Day: day - 1, Kind: models.EventSignIn, N: 2}, {Day: day, Kind: models.EventSignIn, N: 2}, {Day: day, Kind: models.EventSignInFailed, N: 1}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

func TestSeveralEventsAreWrittenTogetherOrNotAtAll(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		a, b := event(models.EventSupportLooked, addUser(t, s).ID, noon), event(models.EventSeenBySupport, addUser(t, s).ID, noon)
		exec(t, s, "DELETE FROM events")
		if err := s.AddEvents(t.Context(), a, b); err != nil || kinds(t, s, a.UserID) != string(models.EventSupportLooked) || kinds(t, s, b.UserID) != string(models.EventSeenBySupport) {
			t.Errorf("%v", err)
		}
		taken := events(t, s, b.UserID)[0]
		if err := s.AddEvents(t.Context(), event(models.EventSupportLooked, a.UserID, noon), taken); !errors.Is(err, models.ErrDuplicate) || len(events(t, s, a.UserID)) != 1 {
			t.Errorf("the second could not be written: %v, %s", err, kinds(t, s, a.UserID))
		}
	})
}
