package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// BenchmarkRefreshWithAProof measures refreshes of a bound device against those of an unbound one, in turns within one
// run, over HTTP: proofs are made before the time is taken, since that is the phone's work.
func BenchmarkRefreshWithAProof(b *testing.B) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": modelstest.SQLite, "postgres": modelstest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, database(b))
			owner := newProver(b, s, "ES256")
			plain, bound := s.login("phone").refresh, newPhone(b, owner.login("bound phone")).refresh
			const lap = 200
			proofs := make([]string, lap)
			var without, with time.Duration
			n := 0
			for b.Loop() {
				s.clock.Advance(2 * time.Minute) // one presenter's proofs of a minute are bounded
				for i := range proofs {
					proofs[i] = owner.proof(http.MethodPost, "/oauth/token", "", nil)
				}
				for range 2 { // half a lap each, in turns
					half := proofs[:lap/2]
					without += s.lap(&plain, make([]string, lap/2))
					with += s.lap(&bound, half)
					proofs = proofs[lap/2:]
				}
				proofs = make([]string, lap)
				n += lap
			}
			b.ReportMetric(float64(without.Nanoseconds())/float64(n), "ns/refresh")
			b.ReportMetric(float64(with.Nanoseconds())/float64(n), "ns/refresh-with-proof")
			b.ReportMetric(float64(without)/float64(with), "speed-with÷without")
		})
	}
}

// lap refreshes once for each proof, the empty one meaning none, and tells how long that took.
func (s *site) lap(token *string, proofs []string) (took time.Duration) {
	s.t.Helper()
	for _, proof := range proofs {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {*token}}
		var headers []string
		if proof != "" {
			headers = []string{"DPoP", proof}
		}
		began := time.Now()
		got := s.postForm("/oauth/token", form, headers...)
		took += time.Since(began)
		if got.status != http.StatusOK {
			s.t.Fatalf("%d %s", got.status, got.body)
		}
		*token = got.text(s.t, "refresh_token")
	}
	return took
}
