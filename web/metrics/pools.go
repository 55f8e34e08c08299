package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/models"
)

// poolCollector shows the pools of connections under the names of client_golang's collector, which takes a pool of database/sql
// alone: ours to PostgreSQL are pgx's.
type poolCollector struct{ read func() []models.PoolStats }

func poolDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("go_sql_"+name, help, []string{"db_name"}, nil)
}

var poolMeasures = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(models.PoolStats) float64
}{
	{poolDesc("max_open_connections", "Maximum number of open connections to the database."), prometheus.GaugeValue, func(s models.PoolStats) float64 { return float64(s.MaxOpenConnections) }},
	{poolDesc("open_connections", "The number of established connections both in use and idle."), prometheus.GaugeValue, func(s models.PoolStats) float64 { return float64(s.OpenConnections) }},
	{poolDesc("in_use_connections", "The number of connections currently in use."), prometheus.GaugeValue, func(s models.PoolStats) float64 { return float64(s.InUse) }},
	{poolDesc("idle_connections", "The number of idle connections."), prometheus.GaugeValue, func(s models.PoolStats) float64 { return float64(s.Idle) }},
	{poolDesc("wait_count_total", "The total number of connections waited for."), prometheus.CounterValue, func(s models.PoolStats) float64 { return float64(s.WaitCount) }},
	{poolDesc("wait_duration_seconds_total", "The total time blocked waiting for a new connection."), prometheus.CounterValue, func(s models.PoolStats) float64 { return float64(s.WaitDuration) / float64(time.Second) }},
	{poolDesc("max_idle_closed_total", "The total number of connections closed because enough were idle."), prometheus.CounterValue, func(s models.PoolStats) float64 { return float64(s.MaxIdleClosed) }},
	{poolDesc("max_idle_time_closed_total", "The total number of connections closed because they were idle for too long."), prometheus.CounterValue, func(s models.PoolStats) float64 { return float64(s.MaxIdleTimeClosed) }},
	{poolDesc("max_lifetime_closed_total", "The total number of connections closed at the end of their life."), prometheus.CounterValue, func(s models.PoolStats) float64 { return float64(s.MaxLifetimeClosed) }},
}

// Describe names the measures.
func (c poolCollector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range poolMeasures {
		to <- m.desc
	}
}

// Collect reads them.
func (c poolCollector) Collect(to chan<- prometheus.Metric) {
	for _, pool := range c.read() {
		for _, m := range poolMeasures {
			to <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(pool), pool.Name)
		}
	}
}
