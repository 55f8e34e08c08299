package metrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// ShowBuild shows a metric that is always 1. Its labels tell the releases of replicas apart.
func (m *Metrics) ShowBuild(version, revision string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "latchkey_build_info", Help: "Always 1. The labels say which release this is.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "go": runtime.Version()},
	}, func() float64 { return 1 }))
}
