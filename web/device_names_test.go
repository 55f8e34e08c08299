package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/auth/client"
)

// unseen are names that a page would show as nothing.
var unseen = []string{
	"\u200b", "\u2060", "\u3164", "\u2800", "\u00ad", "\ufe0f", "\u0301", "\u115f", "\uffa0", "\u180e", "\u034f", "\u061c", "\ufeff", "\u200d\u200d", "\u20dd",
	"\U000e0001\U000e0067\U000e007f", "\U000e0100", "\U0001d159", "\ufff9\ufffb", "\u202e", "\u2066\u2069", "\u200b \u2800\u3164\u0301", "\u2800\u00a0\u2800",
}

func TestNamesOfWhichNothingIsSeenAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p, tablet := s.login("phone"), s.login("tablet")
		b := s.signedIn()
		for _, name := range unseen {
			r := s.tryLogin(adaEmail, adaPassword, name)
			problem := jsonField(t, r, "device_name")
			if r.status != http.StatusUnprocessableEntity || problem == "" {
				t.Errorf("a sign-in as %+q: %d %s", name, r.status, r.body)
			}
			r = s.request(http.MethodPatch, "/api/devices/current", `{"name":`+quote(name)+`}`, append(bearer(p.access), "Content-Type", jsonType)...)
			if r.status != http.StatusUnprocessableEntity || jsonField(t, r, "name") != problem {
				t.Errorf("renamed to %+q: %d %s", name, r.status, r.body)
			}
		}
		for _, name := range []string{unseen[0], unseen[3], unseen[6]} {
			r := b.post("/devices/"+tablet.id+"/rename", url.Values{"name": {name}})
			if r.status != http.StatusUnprocessableEntity || r.screen(t).one("details", "open", "*").one("p", "class", "problem").text() == "" {
				t.Errorf("renamed to %+q on the page: %d", name, r.status)
			}
		}
		if names := s.liveNames(b); !slices.Equal(names, []string{"phone", "tablet"}) {
			t.Errorf("the apps are called %+q", names)
		}
	})
}

// jsonField is what an answer says of one field.
func jsonField(t *testing.T, r reply, field string) string {
	t.Helper()
	list, _ := r.json(t)["errors"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["field"] != field {
		return ""
	}
	return list[0].(map[string]any)["detail"].(string)
}

// liveNames are the names of the apps on the devices page.
func (s *site) liveNames(b *browser) []string {
	names := b.shown("/devices").one("section", "aria-labelledby", "apps").texts("", "class", "device-name")
	slices.Sort(names)
	return names
}

func TestNamesThatLookLikeOneOfTheOwnersAreNumbered(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		p := s.login("phone")
		for _, c := range [][2]string{
			{"PHONE", "PHONE (2)"}, {"\u00a0\u3000phоne\u2003", "phоne (3)"}, {"p\u200bhone", "p\u200bhone (4)"}, {"ｐｈｏｎｅ", "ｐｈｏｎｅ (5)"},
			{"Café", "Café"}, {"CAFE\u0301", "CAFE\u0301 (2)"}, {"phone (2)", "phone (2) (2)"}, {"Phone (7)", "Phone (7)"},
			{"❤️", "❤️"}, {"👨‍👩‍👧", "👨‍👩‍👧"}, {"🏳️‍🌈", "🏳️‍🌈"}, {"🇩🇪", "🇩🇪"}, {"1️⃣", "1️⃣"}, {"👍🏽", "👍🏽"}, {"\U0001fae9", "\U0001fae9"}, {"\U000323b0", "\U000323b0"},
			{"👨‍👩‍👧", "👨‍👩‍👧 (2)"}, {"هاتف", "هاتف"}, {"手机", "手机"},
		} {
			if got := s.login(c[0]).name; got != c[1] {
				t.Errorf("%+q is called %+q, want %+q", c[0], got, c[1])
			}
		}
		long := strings.Repeat("x", 60) + "👨‍👩"
		if got := []string{s.login(long).name, s.login(strings.ToUpper(long)).name}; got[0] != long || got[1] != strings.Repeat("X", 60)+" (2)" {
			t.Errorf("long names: %q", got)
		}
		b := s.signedIn()
		b.expect(b.post("/devices/"+p.id+"/rename", url.Values{"name": {"Phone"}}), http.StatusSeeOther, "/devices")
		b.told("/devices", "You’ve renamed the device to “Phone”.")
		b.expect(b.post("/devices/"+p.id+"/rename", url.Values{"name": {"café"}}), http.StatusSeeOther, "/devices")
		b.told("/devices", "You’ve renamed the device to “café (3)”, because another device already has that name.")
	})
}

func TestAnAppIsRegisteredUnderANameThatIsSeen(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, name := range append(unseen, "", " ") {
			if c, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: name}); err == nil {
				t.Errorf("%+q is registered as %+q", name, c.Name)
			}
		}
		if c, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "\u00a0Notes ❤️ "}); err != nil || c.Name != "Notes ❤️" {
			t.Errorf("%+q, %v", c.Name, err)
		}
	})
}
