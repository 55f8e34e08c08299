package web_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestTheDocumentationExplainsEveryClaim(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(s.login("phone").access, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(payload, &claims); err != nil || len(claims) < 10 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		table := s.request(http.MethodGet, "/docs/servers", "").screen(t).one("section", "aria-labelledby", "claims").one("table")
		explained := map[string]bool{}
		for _, row := range table.all("th", "scope", "row") {
			claim, _, _ := strings.Cut(row.text(), ".") // cnf.jkt is a member of cnf
			explained[claim] = true
		}
		for claim := range claims {
			if !explained[claim] {
				t.Errorf("%s is not explained", claim)
			}
		}
	})
}
