package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// They share a server: building and starting one takes longer than they do.
func TestAgainstTheRealServer(t *testing.T) {
	url := modelstest.MigratedSQLite(t)
	small := crowd{devices: 200, each: 4, sparse: 1, now: time.Now().Truncate(time.Hour)}
	small.fill(t, url, false)
	s := newServer(t, url, fewAccounts)
	for name, test := range map[string]func(*testing.T, *server){
		"every scenario runs without an error":                   everyScenarioRuns,
		"bound devices refresh with proofs until these are used": proofsAreUsedUp,
		"a run ends by its count and by its time":                aRunEnds,
		"devices are kept for the next run":                      devicesAreKept,
		"devices of a crowd refresh, each in its turn": func(t *testing.T, s *server) {
			s.sample(t, small, 2, 5)
			if r := s.load(t, options{Scenario: "refresh", Clients: 2, Devices: 5, Duration: time.Minute, Requests: 40, Tokens: s.tokens}); r.Failed > 0 || r.Requests != 40 {
				t.Errorf("%d requests, %v", r.Requests, r.Errors)
			}
			if bytes, _ := s.list(t); bytes == 0 {
				t.Error("the status list is empty")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// The measuring takes too long for every run. What it stands on is checked with few rows.
func TestACrowdIsReadBySizeAndByRow(t *testing.T) {
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		g := &grown{crowd: crowd{devices: 200, each: 4, sparse: 1, now: time.Now().Truncate(time.Hour)}, url: url}
		isSQLite := strings.HasPrefix(url, "sqlite:")
		g.fill(t, url, !isSQLite)
		g.open(t)
		size := measureSizes(t, g.db, isSQLite)
		if size.tables["events"] == 0 || size.with("events") <= size.tables["events"] || len(size.indexLines(g.crowd, nil)) < 15 {
			t.Errorf("%+v", size)
		}
		for table, want := range map[string]int{"users": 100, "devices": 200, "events": 800, "status_indexes": 200, "known_places": 200} {
			if n := 0; g.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n) != nil || n != want {
				t.Errorf("%d rows of %s, want %d", n, table, want)
			}
		}
		if rows := g.reads(t, g, 20); len(rows) != len(growthReads)+1 {
			t.Errorf("%v", rows)
		}
		if g.sweeps(t) <= 0 {
			t.Error("nothing is swept")
		}
	})
}

func everyScenarioRuns(t *testing.T, s *server) {
	for scenario, n := range map[string]int64{"login": 8, "refresh": 300, "whoami": 300, "mixed": 300} {
		r := s.load(t, options{Scenario: scenario, Clients: 4, Duration: 2 * time.Minute, Requests: n})
		if r.Failed > 0 || r.Requests != n || r.P50 <= 0 || r.P50 > r.P99 || r.PeakAnon == 0 || r.RPS <= 0 {
			t.Errorf("%s: %+v", scenario, r)
		}
		if scenario == "mixed" && r.Acts["refresh"] < r.Requests*8/10 {
			t.Errorf("mixed: %v of %d", r.Acts, r.Requests)
		}
	}
}

func proofsAreUsedUp(t *testing.T, s *server) {
	r := s.load(t, options{Scenario: "refresh", Clients: 2, Duration: time.Minute, Requests: 300, DPoP: true})
	if r.Failed > 0 || r.Requests != 300 {
		t.Errorf("%d requests, %v", r.Requests, r.Errors)
	}
	w := &worker{o: &options{DPoP: true}, phones: []*phone{{proofs: []string{"b", "a"}}, {proofs: []string{"c"}}}}
	for _, want := range []string{"a", "b", "c"} {
		if _, got, over := w.nextProof(); got != want || over {
			t.Errorf("proof %q, want %q", got, want)
		}
	}
	if _, _, over := w.nextProof(); !over {
		t.Error("there are more proofs than were made")
	}
}

func aRunEnds(t *testing.T, s *server) {
	if r := s.load(t, options{Scenario: "whoami", Clients: 3, Requests: 50}); r.Requests != 50 {
		t.Errorf("%d requests, wanted 50", r.Requests)
	}
	if r := s.load(t, options{Scenario: "whoami", Clients: 2, Duration: 300 * time.Millisecond, Rate: 20}); r.Requests > 12 || r.Seconds > 30 {
		t.Errorf("%d requests in %.1f s at 20 a second", r.Requests, r.Seconds)
	}
}

func devicesAreKept(t *testing.T, s *server) {
	tokens := filepath.Join(t.TempDir(), "devices.json")
	var out, progress bytes.Buffer
	o := options{
		Scenario: "refresh", URL: s.url, Clients: 2, Duration: time.Minute, Requests: 20, Devices: 3, Email: benchEmail, Accounts: fewAccounts, Password: benchWord, Tokens: tokens, JSON: true,
	}
	for range 2 {
		out.Reset()
		if err := run(context.Background(), o, &out, &progress); err != nil {
			t.Fatal(err)
		}
		var r report
		if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Requests != 20 || r.Failed != 0 {
			t.Errorf("%v %s", err, out.String())
		}
	}
	if n := strings.Count(progress.String(), "signing in"); n != 1 {
		t.Errorf("signed in %d times", n)
	}
	o.Quiet, o.JSON = true, false
	out.Reset()
	if err := run(context.Background(), o, &out, &progress); err != nil || !strings.Contains(out.String(), "p99 ms") {
		t.Errorf("%v %s", err, out.String())
	}
}

func TestOnlyBoundedRunsOnLoopbackAreMade(t *testing.T) {
	good := options{Scenario: "whoami", URL: "http://localhost:1", Clients: 1, Duration: time.Second, Requests: 1, Accounts: 1, Devices: 1}
	for name, change := range map[string]func(*options){
		"another machine":      func(o *options) { o.URL = "http://192.0.2.1:8080" },
		"every interface":      func(o *options) { o.URL = "http://0.0.0.0:8080" },
		"https":                func(o *options) { o.URL = "https://localhost" },
		"no URL":               func(o *options) { o.URL = "localhost:8080" },
		"no clients":           func(o *options) { o.Clients = 0 },
		"too many clients":     func(o *options) { o.Clients = 513 },
		"no devices":           func(o *options) { o.Devices = 0 },
		"devices for whoami":   func(o *options) { o.Devices = 2 },
		"no accounts":          func(o *options) { o.Accounts = 0 },
		"no end":               func(o *options) { o.Duration = 0 },
		"an hour":              func(o *options) { o.Duration = time.Hour },
		"proofs for whoami":    func(o *options) { o.DPoP = true },
		"requests without end": func(o *options) { o.Requests = 1 << 60 },
	} {
		o := good
		change(&o)
		if err := o.check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := good.check(); err != nil {
		t.Error(err)
	}
}
