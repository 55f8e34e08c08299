package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"latchkey/models/modelstest"
)

// The limit of renames is told in the row of the device, and to apps as rate_limited.
func TestTheLimitOfRenamesIsToldWhereTheNameWasTyped(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	b, p := s.signedIn(), s.login("phone")
	path, json := "/devices/"+p.id+"/rename", append(bearer(p.access), "Content-Type", jsonType)
	for i := range 20 {
		b.expect(b.post(path, url.Values{"name": {fmt.Sprint("phone ", i)}}), http.StatusSeeOther, "/devices")
	}
	r := b.post(path, url.Values{"name": {"one more"}})
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "3600" {
		t.Errorf("%d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	form := r.screen(t).one("form", "action", path)
	if got := form.one("input", "name", "name").attr("value"); got != "one more" {
		t.Errorf("the field holds %q", got)
	}
	form.one("p", "class", "problem").says("This was done too often recently. Try again in 60 minutes.")
	a := s.request(http.MethodPatch, "/api/devices/current", `{"name":"one more"}`, json...)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "3600" || a.text(t, "code") != "rate_limited" {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	if a := s.request(http.MethodPatch, "/api/devices/current", `{"name":"phone 19"}`, json...); a.status != http.StatusOK || a.text(t, "name") != "phone 19" {
		t.Errorf("the name that it has: %d %s", a.status, a.body)
	}
}
