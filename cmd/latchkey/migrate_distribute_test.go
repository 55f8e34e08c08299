package main

import (
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

func TestACommandDistributesTheTables(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		if !modelstest.OnCitus() {
			command(t, url, "", "migrate", "--distribute").refuses(t, 1, "cannot be distributed")
			if printed := must(t, url, "", "migrate"); !strings.HasPrefix(printed, "The schema is up to date") {
				t.Errorf("afterwards: %s", printed)
			}
			return
		}
		printed := must(t, url, "", "migrate", "--distribute")
		for _, line := range []string{"Applied ", "users: over the nodes, by id\n", "clients: a copy on each node\n", "mails: on the coordinator, for all nodes\n"} {
			if !strings.Contains(printed, line) {
				t.Errorf("no %q in\n%s", line, printed)
			}
		}
		if again := must(t, url, "", "migrate", "--distribute"); !strings.HasPrefix(again, "The schema is up to date") || !strings.HasSuffix(again, "\nEvery table lies where it should.\n") {
			t.Errorf("once more: %s", again)
		}
		s := serve(t, url, nil)
		addUser(t, url, ada)
		command(t, url, password, "user", "add", ada, "--password-stdin").refuses(t, 1, "")
		login(t, s.URL(), ada, password, "phone").want(t, 200)
		must(t, url, "", "user", "delete", ada, "--yes")
		login(t, s.URL(), ada, password, "phone").want(t, 401)
		addUser(t, url, ada)
		login(t, s.URL(), ada, password, "phone").want(t, 200)
	})
}
