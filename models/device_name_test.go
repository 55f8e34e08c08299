package models_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
