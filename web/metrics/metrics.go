// Package metrics counts and times what is served, in the format of Prometheus. It imports nothing of package web.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"latchkey/auth/account"
	"latchkey/auth/logout"
	"latchkey/models"
)

// Metrics measures what is served. Labels come from the route table and the error table, never from a request, so
// their number is bounded. A nil Metrics measures nothing.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refusals *prometheus.CounterVec

	limits         *prometheus.CounterVec
	unknownClients prometheus.Counter
}

// New makes the measures, with those of the Go runtime, the process and the connection pools, which pools reads.
func New(pools func() []models.PoolStats) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "latchkey_http_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_refusals_total", Help: "Requests refused, by code and, for device tokens, reason (reused: theft found).",
		}, []string{"code", "reason"}),
		limits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_limits_hit_total", Help: "Requests refused because of a limit, by limit.",
		}, []string{"limit"}),
		unknownClients: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "latchkey_unknown_clients_total", Help: "Requests that a trusted proxy passed on without the client's IP address.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.refusals, m.limits, m.unknownClients, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if pools != nil {
		m.registry.MustRegister(poolCollector{pools})
	}
	return m
}

// CountBreaches shows how the lookups of breached passwords ended, which read tells.
func (m *Metrics) CountBreaches(read func() account.BreachCounts) {
	for result, value := range map[string]func(account.BreachCounts) int64{
		"found":     func(c account.BreachCounts) int64 { return c.Found },
		"not_found": func(c account.BreachCounts) int64 { return c.NotFound },
		"failed":    func(c account.BreachCounts) int64 { return c.Failed },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "latchkey_breach_lookups_total", Help: "Lookups of new passwords among breached ones, by result (failed: the password was taken without).",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(value(read())) }))
	}
}

// CountLogoutNotices shows how attempts to tell clients about sign-outs ended, which read tells.
func (m *Metrics) CountLogoutNotices(read func() logout.NoticeCounts) {
	for result, value := range map[string]func(logout.NoticeCounts) int64{
		"delivered": func(c logout.NoticeCounts) int64 { return c.Delivered },
		"failed":    func(c logout.NoticeCounts) int64 { return c.Failed },
		"refused":   func(c logout.NoticeCounts) int64 { return c.Refused },
		"given_up":  func(c logout.NoticeCounts) int64 { return c.GivenUp },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "latchkey_logout_notices_total", Help: "Attempts to tell clients about sign-outs, by result (failed: to be tried again; refused: the client answered 400).",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(value(read())) }))
	}
}

// Handler serves the measures in Prometheus' format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Served counts and times an answer. route is the pattern that matched, never a path: a path holds what a client wrote.
func (m *Metrics) Served(route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Refused counts a refusal by the code of its problem details and, for device tokens, the reason.
func (m *Metrics) Refused(code, reason string) {
	if m != nil {
		m.refusals.WithLabelValues(code, reason).Inc()
	}
}

// LimitHit counts a refusal by a limit. The name is a word of ours; an empty one is no limit.
func (m *Metrics) LimitHit(name string) {
	if m != nil && name != "" {
		m.limits.WithLabelValues(name).Inc()
	}
}

// UnknownClient counts a request that a trusted proxy passed on without the client's IP address.
func (m *Metrics) UnknownClient() {
	if m != nil {
		m.unknownClients.Inc()
	}
}
