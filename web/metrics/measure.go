package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// measure is a metric that is read when it is asked for.
type measure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) measure {
	return measure{prometheus.NewDesc("latchkey_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) measure {
	return measure{prometheus.NewDesc("latchkey_"+name, help, labels, nil), prometheus.GaugeValue}
}

// to sends a value with the values of its labels, in their order.
func (m measure) to(out chan<- prometheus.Metric, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

// group is a prometheus.Collector of measures that one function reads, at each scrape.
type group struct {
	measures []measure
	read     func(out chan<- prometheus.Metric)
}

// Describe names the measures.
func (g group) Describe(out chan<- *prometheus.Desc) {
	for _, m := range g.measures {
		out <- m.desc
	}
}

// Collect reads them.
func (g group) Collect(out chan<- prometheus.Metric) { g.read(out) }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
