package models_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func rename(t *testing.T, s *models.Store, d models.Device, name string) string {
	t.Helper()
	d, err := s.RenameDevice(t.Context(), models.DeviceKey{UserID: d.UserID, ID: d.ID}, live(noon), named(name), event(models.EventDeviceRenamed, d.UserID, noon))
	if err != nil {
		t.Fatalf("rename to %+q: %v", name, err)
	}
	return d.Name
}

func TestNamesThatLookAlikeAreNumbered(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		phone := addApp(t, s, u.ID, "phone")
		for n, name := range []string{"PHONE", "phоne", "ph\u200bone", "ｐｈｏｎｅ", "phone "} {
			if got := addApp(t, s, u.ID, name).Name; got != fmt.Sprintf("%s (%d)", name, n+2) {
				t.Errorf("%+q beside phone is called %+q", name, got)
			}
		}
		if got := addApp(t, s, u.ID, "phone (3)").Name; got != "phone (3) (2)" {
			t.Errorf("phone (3) beside phоne (3) is called %q", got)
		}
		// Another spelling of the device's own name is free.
		for _, name := range []string{"Phone", "phone", "PHONE"} {
			if got := rename(t, s, phone, name); got != name {
				t.Errorf("phone, renamed to %q, is called %q", name, got)
			}
		}
		addApp(t, s, u.ID, "Iris")
		if got := addApp(t, s, u.ID, "lris").Name; got != "lris (2)" {
			t.Errorf("lris, which only looks like Iris as it is typed, is called %q", got)
		}
		tablet := addApp(t, s, u.ID, "tablet")
		if got := rename(t, s, tablet, "рhоne"); got != "рhоne (7)" {
			t.Errorf("tablet, renamed to a look-alike of phone, is called %q", got)
		}
		if got := addApp(t, s, addUser(t, s).ID, "Phone").Name; got != "Phone" {
			t.Errorf("the phone of another account is called %q", got)
		}
	})
}

// Names that were stored before names were compared in this way.
func TestLookAlikesThatCoexistStayUntilTheyAreRenamed(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		phone := addApp(t, s, u.ID, "phone")
		old := signIn(u.ID, models.KindApp, "", noon)
		old.FreeName = func(func(string) bool) string { return "Phone" }
		twin := add(t, s, old)
		if got := addApp(t, s, u.ID, "PHONE").Name; got != "PHONE (2)" {
			t.Errorf("a third is called %q", got)
		}
		if got := rename(t, s, twin, "Phone"); got != "Phone (3)" {
			t.Errorf("the second, renamed, is called %q", got)
		}
		if got := rename(t, s, phone, "phone"); got != "phone" {
			t.Errorf("the first, renamed to its own name, is called %q", got)
		}
	})
}

func TestAtOnceLookAlikesGetDifferentNames(t *testing.T) {
	names := []string{"phone", "PHONE", "phоne", "phone\u200b"}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		hurry(s, 20, 5, func() {
			u := addUser(t, s)
			d, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "old", noon))
			if err != nil {
				t.Error(err)
				return
			}
			together(len(names), func(i int) {
				var err error
				if i == 0 {
					_, err = s.RenameDevice(t.Context(), models.DeviceKey{UserID: u.ID, ID: d.ID}, live(noon), named(names[i]), event(models.EventDeviceRenamed, u.ID, noon))
				} else {
					_, err = s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, names[i], noon))
				}
				if err != nil {
					t.Error(err)
				}
			})
			var numbers []string
			for _, name := range liveNames(t, s, u.ID) {
				_, number, _ := strings.Cut(name, " ")
				numbers = append(numbers, number)
			}
			if slices.Sort(numbers); !slices.Equal(numbers, []string{"", "(2)", "(3)", "(4)"}) {
				t.Errorf("names %+q", liveNames(t, s, u.ID))
			}
		})
	})
}

// A browser that would be idle if its owner were support staff is read once: whose it is, the database tells.
func TestDevicesAreReadAgainOnlyWhereOneHasEnded(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		reads := 0
		s := migrated(t, models.Config{URL: url, OnStatement: func(sql string) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(sql, "SELECT") && strings.Contains(sql, "LEFT JOIN devices") {
				reads++
			}
		}})
		u := addUser(t, s)
		phone := addApp(t, s, u.ID, "phone")
		add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
		at := live(noon.Add(time.Hour))
		at.SupportSince = noon.Add(time.Minute)
		for _, c := range []struct{ name, got, expires string }{
			{"browser", "browser (2)", ""},
			{"browser", "browser", "browser"},
		} {
			reads = 0
			if c.expires != "" {
				exec(t, s, "UPDATE devices SET expires_at = created_at WHERE name = '"+c.expires+"'")
			}
			d, err := s.RenameDevice(t.Context(), keyOf(phone), at, named(c.name), event(models.EventDeviceRenamed, u.ID, at.Now))
			want := map[bool]int{false: 1, true: 2}[c.expires != ""]
			if err != nil || d.Name != c.got || reads != want {
				t.Errorf("named %q after %d reads, not %q after %d: %v", d.Name, reads, c.got, want, err)
			}
		}
	})
}
