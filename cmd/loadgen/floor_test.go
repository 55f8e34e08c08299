package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"golang.org/x/crypto/argon2"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"latchkey/models/modelstest"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(ceilingAddress); address != "" {
		fmt.Fprintln(os.Stderr, serveCeiling(address))
		os.Exit(1)
	}
	modelstest.Main(m)
}

const (
	floorRows  = 100_000
	rounds     = 3
	benchEmail = "load{n}@example.com"
	// So many accounts sign in: those of one account wait for each other, and it may sign in 30 times in 15 minutes.
	fewAccounts   = 16
	benchAccounts = 256
	benchWord     = "a password for the load"
)

// spell is how long one measurement lasts; LATCHKEY_BENCH_SECONDS changes it.
func spell() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("LATCHKEY_BENCH_SECONDS")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return 5 * time.Second
}

// BenchmarkAgainstTheFloor measures the built server against what the same database does at best on this machine, in
// turns within one run, and prints ratios. Run it by itself on a quiet machine: make bench.
func BenchmarkAgainstTheFloor(b *testing.B) {
	if b.N > 1 {
		return // the table is the result; there is no time for one operation
	}
	fmt.Printf("\nMeasured on %s/%s, %d cores, %s, %v for each figure, %d rounds, the median of their ratios:\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), spell(), rounds)
	fmt.Println("| what | measured | to reach |\n|---|---|---|")
	b.Run("postgres", func(b *testing.B) { benchPostgres(b) })
	b.Run("sqlite", func(b *testing.B) { benchSQLite(b) })
	fmt.Println()
}

func row(what, measured, goal string) { fmt.Printf("| %s | %s | %s |\n", what, measured, goal) }

func benchPostgres(b *testing.B) {
	if b.N > 1 {
		return
	}
	cluster := modelstest.StartCluster(b, modelstest.Durable)
	floor := newPostgresFloor(b, cluster.URL("latchkey"))
	s := newServer(b, cluster.URL("latchkey"), benchAccounts)
	goals := map[int]string{1: "–", 8: "≥ 0.40", 32: "≥ 0.28"}
	for _, clients := range []int{1, 8, 32} {
		ratios, ours, floors := make([]float64, rounds), make([]float64, rounds), make([]float64, rounds)
		for i := range rounds {
			r := s.refresh(b, clients, 0)
			ours[i], floors[i] = r.RPS, floor.pgbench(b, clients)
			ratios[i] = ours[i] / floors[i]
		}
		row(fmt.Sprintf("refresh rps ÷ pgbench's UPDATE … RETURNING, %d clients", clients),
			fmt.Sprintf("%.2f (%.0f ÷ %.0f)", median(ratios), median(ours), median(floors)), goals[clients])
	}
	benchCPU(b, s)
	s.benchProofs(b)
	row("peak private memory, 32 refreshing clients", fmt.Sprintf("%.1f MB", float64(s.peak)/1e6), "≤ 32 MB")
	commits, updates := floor.commits(b)
	r := s.refresh(b, 8, 0)
	commitsAfter, updatesAfter := floor.commits(b)
	n := float64(r.Requests)
	row("statements per refresh (commits, which refreshes that come together share)",
		fmt.Sprintf("%.3f (%.2f)", float64(updatesAfter-updates)/n, float64(commitsAfter-commits)/n), "1")
	benchSignIn(b, s)
	row("start to ready, schema current", fmt.Sprintf("%.0f ms", s.startTime(b)), "≤ 30 ms")
	if os.Getenv(rivalEnv) != "" {
		benchRival(b, cluster, s)
	}
}

// benchProofs measures what DPoP costs the server: refreshes of bound devices, whose proofs are made beforehand, against those of others.
func (s *server) benchProofs(b *testing.B) {
	peak := s.peak
	ratios, with, without := make([]float64, rounds), make([]float64, rounds), make([]float64, rounds)
	for i := range rounds {
		without[i] = s.refresh(b, 8, 0).RPS
		r := s.load(b, options{Scenario: "refresh", Clients: 8, DPoP: true})
		if r.Failed > 0 {
			b.Fatalf("%d of %d refreshes with proofs failed: %v", r.Failed, r.Requests, r.Errors)
		}
		with[i] = r.RPS
		ratios[i] = with[i] / without[i]
	}
	s.peak = peak // the sign-ins' hashes are not part of what refreshing needs
	row("refresh rps with DPoP ÷ without, 8 clients", fmt.Sprintf("%.2f (%.0f ÷ %.0f)", median(ratios), median(with), median(without)), "≥ 0.75")
}

// benchSignIn measures what hashing passwords leaves of everything else.
func benchSignIn(b *testing.B, s *server) {
	ratios, capacity := make([]float64, rounds), 0.0
	for i := range rounds {
		r := s.load(b, options{Scenario: "login", Clients: 8})
		capacity = max(capacity, r.RPS)
		ratios[i] = r.RPS / rawHashes()
	}
	row("sign-ins per second ÷ raw argon2id hashes per second, all cores", fmt.Sprintf("%.2f", median(ratios)), "≥ 0.85")

	s.peak = 0
	for _, rate := range []float64{100, 1000} {
		benchFlood(b, s, rate, capacity)
	}
	row("peak private memory, sign-in flood", fmt.Sprintf("%.0f MB", float64(s.peak)/1e6), "≤ 200 MB")
}

// benchFlood measures how long a refresh takes at a rate while four times as many people sign in as can be hashed.
func benchFlood(b *testing.B, s *server, rate, capacity float64) {
	var quiet, flooded []float64
	for range rounds {
		quiet = append(quiet, s.refresh(b, 8, rate).P99)
		ended := s.flood(b, 4*capacity, spell()+2*time.Second)
		time.Sleep(time.Second)
		flooded = append(flooded, s.refresh(b, 8, rate).P99)
		ended()
	}
	row(fmt.Sprintf("refresh p99 while sign-ins arrive at 4× capacity ÷ alone, at %.0f/s", rate),
		fmt.Sprintf("%.1f (%.1f ms ÷ %.1f ms)", median(flooded)/median(quiet), median(flooded), median(quiet)), "≤ 3")
}

func benchSQLite(b *testing.B) {
	if b.N > 1 {
		return
	}
	s := newServer(b, modelstest.MigratedSQLite(b), benchAccounts)
	floor := newSQLiteFloor(b)
	for _, clients := range []int{1, 8, 32} {
		ratios := make([]float64, rounds)
		var ours, floors []float64
		for i := range rounds {
			ours = append(ours, s.refresh(b, clients, 0).RPS)
			floors = append(floors, sqliteRate(b, floor, clients))
			ratios[i] = ours[i] / floors[i]
		}
		row(fmt.Sprintf("SQLite: refresh rps ÷ its UPDATE … RETURNING, %d clients", clients),
			fmt.Sprintf("%.2f (%.0f ÷ %.0f)", median(ratios), median(ours), median(floors)), "–")
	}
}

// rawHashes is how many argon2id hashes this machine makes a second with nothing around them.
func rawHashes() float64 {
	workers := runtime.GOMAXPROCS(0)
	counts := make([]int, workers)
	began := time.Now()
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			for time.Since(began) < spell() {
				argon2.IDKey([]byte(benchWord), []byte("0123456789abcdef"), 2, 19456, 1, 32)
				counts[i]++
			}
		})
	}
	wait.Wait()
	took, sum := time.Since(began), 0
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / took.Seconds()
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// postgresFloor is a table of one-row updates, and pgbench upon it.
type postgresFloor struct {
	url, script, program string
	db                   *sql.DB
}

func newPostgresFloor(b *testing.B, url string) *postgresFloor {
	b.Helper()
	f := &postgresFloor{url: url, script: filepath.Join(b.TempDir(), "floor.sql"), program: pgbenchProgram(b)}
	var err error
	if f.db, err = sql.Open("pgx", url); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.db.Close() })
	for _, statement := range []string{
		`CREATE TABLE floor (id bigint PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL) WITH (fillfactor = 70)`,
		fmt.Sprintf(`INSERT INTO floor SELECT i, 1, now() FROM generate_series(1, %d) i`, floorRows),
		`VACUUM ANALYZE floor`, `CHECKPOINT`,
	} {
		if _, err := f.db.ExecContext(b.Context(), statement); err != nil && statement != "CHECKPOINT" {
			b.Fatal(err)
		}
	}
	script := fmt.Sprintf("\\set id random(1, %d)\nUPDATE floor SET n = n + 1, at = now() WHERE id = :id RETURNING n;\n", floorRows)
	if err := os.WriteFile(f.script, []byte(script), 0o644); err != nil {
		b.Fatal(err)
	}
	return f
}

func pgbenchProgram(b *testing.B) string {
	b.Helper()
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if path, err := exec.LookPath("pgbench"); err == nil {
		candidates = append([]string{path}, candidates...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			candidates = append([]string{filepath.Join(filepath.Dir(real), "pgbench")}, candidates...)
		}
	}
	for _, path := range candidates {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	b.Fatal("pgbench is not there: it comes with PostgreSQL's server package")
	return ""
}

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

func (f *postgresFloor) pgbench(b *testing.B, clients int) float64 {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), f.program, "--no-vacuum", "--protocol", "prepared", "--client", strconv.Itoa(clients),
		"--jobs", strconv.Itoa(min(2, clients)), "--time", strconv.Itoa(int(spell().Seconds())), "--file", f.script, f.url).CombinedOutput()
	match := tps.FindSubmatch(out)
	if err != nil || match == nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}

// commits counts the transactions of this database, and the updates of devices: a refresh's statement makes one.
func (f *postgresFloor) commits(b *testing.B) (n, updates int64) {
	b.Helper()
	time.Sleep(11 * time.Second) // an idle connection reports its statistics after ten (pgstat.c, PGSTAT_IDLE_INTERVAL)
	if err := f.db.QueryRowContext(b.Context(), `SELECT xact_commit, (SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'devices')
		FROM pg_stat_database WHERE datname = current_database()`).Scan(&n, &updates); err != nil {
		b.Fatal(err)
	}
	return n, updates
}

func newSQLiteFloor(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "floor.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	for _, statement := range []string{
		`CREATE TABLE floor (id integer PRIMARY KEY, n integer NOT NULL, at integer NOT NULL)`,
		fmt.Sprintf(`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) INSERT INTO floor SELECT i, 1, 0 FROM c`, floorRows),
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// sqliteRate updates one row for each client, as the devices of the measured clients are: pages that no one else touches.
func sqliteRate(b *testing.B, db *sql.DB, clients int) float64 {
	b.Helper()
	update, err := db.PrepareContext(b.Context(), `UPDATE floor SET n = n + 1, at = ? WHERE id = ? RETURNING n`)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = update.Close() }()
	counts := make([]int64, clients)
	began := time.Now()
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			for time.Since(began) < spell() {
				var n int64
				if err := update.QueryRowContext(context.Background(), time.Now().UnixMicro(), 1+int64(i)).Scan(&n); err != nil {
					b.Error(err)
					return
				}
				counts[i]++
			}
		})
	}
	wait.Wait()
	took, sum := time.Since(began), int64(0)
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / took.Seconds()
}
