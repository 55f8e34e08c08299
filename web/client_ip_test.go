package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/auth/services"
	"latchkey/web"
	"latchkey/web/metrics"
)

func behindProxy(_ *services.Config, w *web.Config) {
	w.TrustedProxies = []string{"127.0.0.0/8", "::1/128"}
}

// forwarded sends a login through the proxy.
func (s *site) forwarded(email, password string, header ...string) reply {
	s.t.Helper()
	var headers []string
	for _, h := range header {
		headers = append(headers, "X-Forwarded-For", h)
	}
	return s.postJSON("/api/login", map[string]string{"email": email, "password": password, "device_name": "phone"}, headers...)
}

// What proxies write in other forms than a bare address must neither make one network of everybody nor be shown as unknown.
func TestClientsBehindAProxyAreToldApart(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for i, header := range []string{"198.51.100.7:52345", "[2001:db8::7]:443", `"203.0.113.8"`} {
			r := s.forwarded(adaEmail, adaPassword, header)
			list := s.request(http.MethodGet, "/api/devices", "", bearer(r.text(t, "access_token"))...)
			if want := []string{"198.51.100.7", "2001:db8::7", "203.0.113.8"}[i]; !strings.Contains(list.body, `"last_ip":"`+want+`"`) {
				t.Errorf("%s: %d %s", header, list.status, list.body)
			}
		}
		for range 10 {
			s.forwarded(adaEmail, "not the password", "198.51.100.7:52345")
		}
		if r := s.forwarded(adaEmail, adaPassword, "198.51.100.7:52346"); r.status != http.StatusTooManyRequests {
			t.Errorf("past the limit of its network: %d %s", r.status, r.body)
		}
		if r := s.forwarded(adaEmail, adaPassword, "203.0.113.9:1"); r.status != http.StatusOK {
			t.Errorf("from another network: %d %s", r.status, r.body)
		}
	}, behindProxy)
}

// A client whose address the proxy does not tell is shown without one: the proxy's would be taken for its own. The operator is told
// once.
func TestClientsOfUnknownAddressAreNotShownByTheirProxy(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := s.forwarded(adaEmail, adaPassword, "unknown")
		list := s.request(http.MethodGet, "/api/devices", "", bearer(r.text(t, "access_token"))...)
		if !strings.Contains(list.body, `"last_ip":""`) {
			t.Errorf("what is shown: %s", list.body)
		}
		s.forwarded(adaEmail, adaPassword) // no header at all
		if n := strings.Count(s.log.String(), "without the client's address"); n != 1 || strings.Contains(s.log.String(), "127.0.0.1") {
			t.Errorf("warned %d times:\n%s", n, s.log.String())
		}
	}, behindProxy)
}

// The base of a device token is answered once more to the same address only, and an unknown one is never the same.
func TestACopiedTokenFromAnUnknownNetworkIsNeverFromTheSameAddress(t *testing.T) {
	const known, unknown = "127.0.0.1", "unknown" // every hop is trusted: the first is the proxy's own address, as a client's
	for name, steps := range map[string][2]string{
		"both unknown": {unknown, unknown}, "first unknown, then the proxy's address": {unknown, known}, "first the proxy's address, then unknown": {known, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *site) {
				token := newPhone(t, s.forwarded(adaEmail, adaPassword, steps[0])).refresh
				refresh := func(from string) string {
					r := s.request(http.MethodPost, "/oauth/token", "grant_type=refresh_token&refresh_token="+token, "Content-Type", formType, "X-Forwarded-For", from)
					if r.status != http.StatusOK {
						t.Fatalf("%d %s", r.status, r.body)
					}
					return r.text(t, "refresh_token")
				}
				if first, copied := refresh(steps[0]), refresh(steps[1]); first == copied {
					t.Error("the copy got the same answer")
				}
			}, behindProxy)
		})
	}
	each(t, func(t *testing.T, s *site) { // the same address is still the same
		token := newPhone(t, s.forwarded(adaEmail, adaPassword, known)).refresh
		refresh := func() string {
			return s.request(http.MethodPost, "/oauth/token", "grant_type=refresh_token&refresh_token="+token, "Content-Type", formType, "X-Forwarded-For", known).text(t, "refresh_token")
		}
		if first, retry := refresh(), refresh(); first != retry {
			t.Error("a retry got another answer")
		}
	}, behindProxy)
}

func TestUnknownClientsAreMeasured(t *testing.T) {
	m := metrics.New(nil)
	each(t, func(t *testing.T, s *site) {
		s.forwarded(adaEmail, adaPassword, "unknown")
		s.forwarded(adaEmail, adaPassword, "198.51.100.7")
		s.request(http.MethodGet, "/readyz", "") // a load balancer's own look
		rec := httptest.NewRecorder()
		m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if !strings.Contains(rec.Body.String(), "latchkey_unknown_clients_total 1\n") && !strings.Contains(rec.Body.String(), "latchkey_unknown_clients_total 2\n") {
			t.Errorf("%s", rec.Body.String())
		}
	}, behindProxy, func(_ *services.Config, w *web.Config) { w.Metrics = m })
}

func TestAStartThatTrustsEverybodyIsAnsweredWithAWarning(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, want := range []string{"LATCHKEY_TRUSTED_PROXIES trusts so much of the Internet", "LATCHKEY_BASE_URL is http://"} {
			if !strings.Contains(s.log.String(), want) {
				t.Errorf("no warning %q in\n%s", want, s.log.String())
			}
		}
	}, func(_ *services.Config, w *web.Config) {
		w.TrustedProxies, w.BaseURL = []string{"0.0.0.0/1", "128.0.0.0/1"}, "http://id.example.com"
	})
}
