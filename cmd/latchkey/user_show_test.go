package main

import (
	"encoding/json"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

func TestTheOperatorShowsAndDeletesAnAccount(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		addUser(t, url, "eve@example.org")
		must(t, url, password, "user", "add", "sam@example.org", "--role", "support", "--password-stdin")
		login(t, s.URL(), ada, password, "phone").want(t, 200)

		text := must(t, url, "", "user", "show", ada)
		for _, row := range []string{"E-mail       " + ada, "State        active", "Device       phone, app"} {
			if !strings.Contains(text, row) {
				t.Errorf("no %q in %s", row, text)
			}
		}
		var shown struct {
			ID      string
			Email   string
			Devices []struct{ Name string }
			Factors []any
		}
		if err := json.Unmarshal([]byte(must(t, url, "", "user", "show", ada, "--json")), &shown); err != nil || shown.Email != ada || len(shown.Devices) != 1 || shown.Devices[0].Name != "phone" || shown.Factors == nil {
			t.Errorf("%v %+v", err, shown)
		}

		command(t, url, "", "user", "delete", ada).refuses(t, 2, "--yes")
		command(t, url, "", "user", "delete", "sam@example.org", "--yes").refuses(t, 1, "support")
		must(t, url, "", "user", "delete", ada, "--yes")
		command(t, url, "", "user", "show", ada).refuses(t, 1, "no account")
		command(t, url, "", "user", "delete", ada, "--yes").refuses(t, 1, "no account")
		login(t, s.URL(), ada, password, "phone").want(t, 401)
		if list := must(t, url, "", "user", "list"); strings.Contains(list, ada) || strings.Count(list, "\n") != 2 {
			t.Errorf("after the deletion: %s", list)
		}
	})
}
