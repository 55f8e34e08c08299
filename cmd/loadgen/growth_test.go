package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// growthEnv names the numbers of devices to measure, with commas between, the first the one that the others are compared with.
// growthOnEnv is sqlite or postgres; without it both are measured.
const (
	growthEnv   = "LATCHKEY_GROWTH"
	growthOnEnv = "LATCHKEY_GROWTH_ON"
	// Past so many devices the fill saves time and disk: one event for every tenth device, and indexes that are made afterwards.
	sparseFrom = 5_000_000
)

// BenchmarkGrowth measures what the same work costs with more and more rows, and prints a table for each database: make bench-growth.
func BenchmarkGrowth(b *testing.B) {
	var list []int
	for text := range strings.SplitSeq(os.Getenv(growthEnv), ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 10_000 || n%10_000 != 0 {
			b.Skip("LATCHKEY_GROWTH names no numbers of devices, multiples of 10,000: make bench-growth does")
		}
		list = append(list, n)
	}
	for _, database := range []string{"postgres", "sqlite"} {
		if on := os.Getenv(growthOnEnv); on != "" && on != database || b.N > 1 {
			continue
		}
		b.Run(database, func(b *testing.B) {
			base := newGrown(b, database, list[0])
			columns := [][][2]string{base.measure(b, base)}
			for _, n := range list[1:] {
				b.Run(strconv.Itoa(n), func(b *testing.B) { columns = append(columns, newGrown(b, database, n).measure(b, base)) })
			}
			printColumns(database, columns)
		})
	}
}

func printColumns(database string, columns [][][2]string) {
	fmt.Printf("\n%s on %s/%s, %d cores, %s, %v for each figure, %d rounds, the median:\n\n", database, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), spell(), rounds)
	for i := range columns[0] {
		line := "| " + columns[0][i][0] + " |"
		for _, column := range columns {
			line += " " + column[i][1] + " |"
		}
		fmt.Println(line)
		if i == 0 {
			fmt.Println("|---" + strings.Repeat("|---", len(columns)) + "|")
		}
	}
	fmt.Println()
}

// grown is a server on a database with a crowd in it.
type grown struct {
	*server
	crowd
	url        string
	db         *sql.DB
	store      *models.Store
	swept      bool // some devices have no events any more
	postmaster int  // 0 on SQLite
}

func newGrown(b *testing.B, database string, devices int) *grown {
	b.Helper()
	g := &grown{crowd: crowd{devices: devices, each: 4, sparse: 1, now: time.Now().Truncate(time.Hour)}}
	if devices > sparseFrom {
		g.each, g.sparse = 1, 10
	}
	if database == "sqlite" {
		g.url = modelstest.MigratedSQLite(b)
	} else {
		cluster := modelstest.StartCluster(b, modelstest.Durable, modelstest.Set("shared_buffers", "1GB"), modelstest.Set("max_wal_size", "1GB"))
		g.url = cluster.URL("latchkey")
		text, _ := os.ReadFile(filepath.Join(cluster.DataDir(), "postmaster.pid"))
		line, _, _ := strings.Cut(string(text), "\n")
		g.postmaster, _ = strconv.Atoi(line)
	}
	g.server = newServer(b, g.url, fewAccounts)
	g.stop(b)
	began := time.Now()
	g.fill(b, g.url, devices > sparseFrom)
	fmt.Printf("%s: %d devices and %d events filled in %v, load %s\n", database, devices, g.events(), time.Since(began).Round(time.Second), machineLoad())
	g.start(b)
	g.sample(b, g.crowd, growthClients, sampled)
	g.open(b)
	return g
}

// open opens the database twice: by itself, and as the store.
func (g *grown) open(b testing.TB) {
	b.Helper()
	driver, dsn := "pgx", g.url
	if path, ok := strings.CutPrefix(g.url, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path
	}
	var err error
	if g.db, err = sql.Open(driver, dsn); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.db.Close() })
	if g.store, err = models.Open(b.Context(), models.Config{URL: g.url}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.store.Close() })
}

// machineLoad is the machine's load average of the last minute.
func machineLoad() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// measure returns the lines of g's column. Its refreshes take turns with those of base, so that what else runs on the machine hits both.
func (g *grown) measure(b *testing.B, base *grown) [][2]string {
	b.Helper()
	size := measureSizes(b, g.db, g.postmaster == 0)
	rows := append([][2]string{{"devices", thousands(g.devices)}, {"events", thousands(g.events())}}, size.rows(g.crowd)...)
	rows = append(rows, g.refreshes(b, base)...)
	rows = append(rows, g.reads(b, base, 500)...)
	bytes, took := g.list(b)
	rows = append(rows, [2]string{"a status list, bytes (first answer, ms)", fmt.Sprintf("%d (%.0f)", bytes, ms(took))},
		[2]string{"restart of the server, ms", fmt.Sprintf("%.0f", g.startTime(b))},
		[2]string{"rows swept a second, half of the time asleep", fmt.Sprintf("%.0f", g.sweeps(b))},
		[2]string{"load of the machine", machineLoad()})
	var scans map[string]int64
	header := "| index, with %d devices | size | bytes a row |\n|---|---|---|"
	if g.postmaster != 0 {
		scans, header = scansOf(b, g.db), "| index, with %d devices | size | bytes a row | scans |\n|---|---|---|---|"
	}
	fmt.Printf("\n"+header+"\n%s\n\n", g.devices, strings.Join(size.indexLines(g.crowd, scans), "\n"))
	return rows
}

func (g *grown) refreshes(b *testing.B, base *grown) [][2]string {
	b.Helper()
	var ratios, rates, p99s, slow, own, database []float64
	for range rounds {
		first, _, _ := base.spread(b, base.postmaster)
		r, cpu, theirs := g.spread(b, g.postmaster)
		ratios, rates, p99s = append(ratios, r.RPS/first.RPS), append(rates, r.RPS), append(p99s, r.P99/first.P99)
		slow = append(slow, r.P99)
		own, database = append(own, cpu), append(database, theirs)
	}
	return [][2]string{
		{"refreshes a second (to those of the first column)", fmt.Sprintf("%.0f (%.2f)", median(rates), median(ratios))},
		{"99th percentile of a refresh, ms (to that of the first column)", fmt.Sprintf("%.0f (%.2f)", median(slow), median(p99s))},
		{"CPU of a refresh, µs: the server's, PostgreSQL's", fmt.Sprintf("%.0f, %.0f", median(own), median(database))},
	}
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
