package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// seriesOf are the series of our own measures, without their values.
func seriesOf(t *testing.T, metrics string) map[string]bool {
	t.Helper()
	series := map[string]bool{}
	for line := range strings.Lines(get(t, metrics+"/metrics").want(t, 200).body) {
		if strings.HasPrefix(line, "latchkey_") {
			series[line[:strings.LastIndex(line, " ")]] = true
		}
	}
	return series
}

// metricsOf is the URL of a server's metrics, whose listener is on a free port.
func metricsOf(t *testing.T, s server) string {
	t.Helper()
	at := regexp.MustCompile(`msg=measuring address=(\S+)`).FindStringSubmatch(s.log.String())
	if at == nil {
		t.Fatalf("the log does not tell the address:\n%s", s.log.String())
	}
	return "http://" + at[1] + "/metrics"
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		s := serve(t, database, func(s *Settings) { s.MetricsAddr = "127.0.0.1:0" })
		metrics := strings.TrimSuffix(metricsOf(t, s), "/metrics")
		get(t, s.URL()+"/metrics").want(t, 404)
		get(t, metrics+"/login").want(t, 404)

		addUser(t, database, ada)
		device := login(t, s.URL(), ada, password, "phone").want(t, 200)
		flood := func(round int) {
			odd := fmt.Sprintf("odd-%d", round)
			get(t, s.URL()+"/"+odd).want(t, 404)
			get(t, s.URL()+"/api/"+odd).want(t, 404)
			get(t, s.URL()+"/devices/"+odd+"/revoke").want(t, 303)
			login(t, s.URL(), odd+"@example.org", password, odd).want(t, 401)
			refresh(t, s.URL(), odd).want(t, 400)
			send(t, newBrowser(t), strings.ToUpper(strings.ReplaceAll(odd, "-", "")), s.URL()+"/login", "").want(t, 405)
		}
		flood(0)
		before := seriesOf(t, metrics)
		for round := range 3 {
			flood(round + 1)
		}
		after := seriesOf(t, metrics)
		for series := range after {
			if !before[series] {
				t.Errorf("grew with what clients send: %s", series)
			}
			if strings.Contains(series, "odd") || strings.Contains(series, device.field("device_id")) {
				t.Errorf("holds what a client sent: %s", series)
			}
		}
		for _, series := range []string{
			`latchkey_http_requests_total{route="POST /oauth/token",status="400"}`, `latchkey_http_requests_total{route="unmatched",status="404"}`,
			`latchkey_refusals_total{code="invalid_grant",reason="malformed"}`, `latchkey_http_request_seconds_count{route="POST /api/login"}`,
		} {
			if !after[series] {
				t.Errorf("missing: %s", series)
			}
		}
		// With PostgreSQL each of the pools writes, so none is called a reader.
		pools, most := []string{"writer", "reader"}, 1
		if strings.HasPrefix(database, "postgres") {
			pools, most = []string{"main", "refresh"}, 6 // of 8 that LATCHKEY_DB_CONNS allows
		}
		body := get(t, metrics+"/metrics").body
		for _, want := range []string{
			`go_sql_in_use_connections{db_name="` + pools[0] + `"} `, `go_sql_in_use_connections{db_name="` + pools[1] + `"} `,
			fmt.Sprintf(`go_sql_max_open_connections{db_name="%s"} %d`, pools[0], most), `go_sql_wait_count_total{db_name="` + pools[0] + `"} `,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("not measured: %s", want)
			}
		}
		if strings.Count(body, "\ngo_sql_open_connections{") != 2 || strings.Contains(body, `go_sql_open_connections{db_name="`+pools[0]+`"} 0`) {
			t.Errorf("open connections, idle ones among them, are not counted")
		}
	})
}
