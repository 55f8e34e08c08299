package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models/modelstest"
)

const alertTests = "monitoring/alerts_test.yaml"

// promtool runs Prometheus' tool. Without it the test is skipped, but never in CI.
func promtool(t *testing.T, folder, stdin string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("promtool is missing: apt-get install prometheus: %v", err)
		}
		t.Skipf("NOT tested with promtool: apt-get install prometheus: %v", err)
	}
	tool := exec.CommandContext(t.Context(), program, args...)
	tool.Dir, tool.Stdin = folder, strings.NewReader(stdin)
	if out, err := tool.CombinedOutput(); err != nil || stdin != "" && len(out) > 0 {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// busy is a server that shows every metric: with mail, breach lookups, a webhook and limits, after some use of it.
func busy(t *testing.T, database string) (s server, metrics string) {
	t.Helper()
	breaches := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(breaches.Close)
	settings := defaults(t, database)
	settings.MetricsAddr, settings.BreachURL = "127.0.0.1:0", breaches.URL
	settings.SMTPURL, settings.MailFrom = "smtp://127.0.0.1:9", "no-reply@id.example.com" // no server is there
	var asked atomic.Int64
	s = serveWith(t, settings, func(c *services.Config) { // each scrape asks the database, which is asked once a second otherwise
		c.Elapsed = func() time.Duration { return time.Duration(asked.Add(1)) * time.Minute }
	})
	metrics = metricsOf(t, s)
	addUser(t, database, ada)
	must(t, database, "", "webhook", "add", "http://127.0.0.1:9/events") // no system is there
	first := login(t, s.URL(), ada, password, "phone").want(t, 200).field("refresh_token")
	second := refresh(t, s.URL(), first).want(t, 200).field("refresh_token")
	refresh(t, s.URL(), second).want(t, 200)
	refresh(t, s.URL(), first).want(t, 400, "reason", "reused") // and a mail about it
	for range 10 {
		login(t, s.URL(), ada, "a wrong password", "phone").want(t, 401)
	}
	login(t, s.URL(), ada, password, "phone").want(t, 429)
	if err := errors.Join(s.Services.Webhooks.Send(t.Context()), s.Services.Revocations.Load(t.Context())); err != nil { // each is due within a second
		t.Fatal(err)
	}
	return s, metrics
}

var seriesLine = regexp.MustCompile(`(?m)^([a-z_:]+)(?:\{[^}]*\})? \S+$`)

// shown are the names of all series.
func shown(t *testing.T, metrics string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, found := range seriesLine.FindAllStringSubmatch(get(t, metrics).want(t, 200).body, -1) {
		names[found[1]] = true
	}
	return names
}

// asked are the names of metrics in rules or in a dashboard.
func asked(text string) (names []string) {
	all := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(?:latchkey|go|process)_[a-z_]+\b`).FindAllString(text, -1) {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func TestWhatIsMonitoredIsMeasured(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		s, metrics := busy(t, database)
		names := shown(t, metrics)
		for _, text := range []string{must(t, database, "", "monitoring", "alerts"), must(t, database, "", "monitoring", "dashboard")} {
			found := asked(text)
			if len(found) < 15 {
				t.Fatalf("only %q", found)
			}
			for _, name := range found {
				if !names[name] {
					t.Errorf("%s is asked for and not shown", name)
				}
			}
		}
		body := get(t, metrics).body
		for _, want := range []string{
			`latchkey_refreshes_total{outcome="rotated"} 2`, `latchkey_refreshes_total{outcome="reused"} 1`, `latchkey_refreshes_total{outcome="restored"} 0`,
			`latchkey_sign_ins_total{kind="app",method="password",result="succeeded"} 1`, `latchkey_sign_ins_total{kind="app",method="password",result="wrong"} 10`,
			`latchkey_sign_ins_total{kind="app",method="password",result="limited"} 1`, `latchkey_limits_hit_total{limit="failures_pair"} 1`,
			"latchkey_database_up 1", "latchkey_mails_waiting 1", `latchkey_webhook_messages_total{result="given_up"} 0`, "latchkey_status_lists_revoked 1", "latchkey_signing_keys 2", "latchkey_hashes_total 11",
			`latchkey_sweeps_total{result="failed"} 0`, `latchkey_database_retries_total{reason="conflict"} 0`,
		} {
			if !strings.Contains(body, "\n"+want+"\n") {
				t.Errorf("not measured: %s", want)
			}
		}
		promtool(t, ".", body, "check", "metrics")
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		body = get(t, metrics).want(t, 200).body
		if !strings.Contains(body, "\nlatchkey_database_up 0\n") || strings.Contains(body, "latchkey_mails_waiting") || !strings.Contains(body, "latchkey_signing_keys 2") {
			t.Errorf("without a database:\n%s", body)
		}
	})
}

func TestEachAlertIsSeenFiringAndSilent(t *testing.T) {
	cases, err := os.ReadFile(alertTests)
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile(filepath.Join(repoRoot, "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(alerts, -1)
	if len(names) < 10 {
		t.Fatalf("only %q", names)
	}
	for _, name := range names {
		for _, want := range []string{
			fmt.Sprintf(`- alertname: %s\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels`, name[1]), fmt.Sprintf(`alertname: %s, eval_time: \w+, exp_alerts: \[\]`, name[1]),
		} {
			if !regexp.MustCompile(want).Match(cases) {
				t.Errorf("%s: no case like %s", name[1], want)
			}
		}
		if !strings.Contains(string(manual), "| `"+name[1]+"` |") {
			t.Errorf("OPERATIONS.md does not say what to do about %s", name[1])
		}
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"alerts.yaml": alerts, filepath.Base(alertTests): string(cases)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool(t, folder, "", "check", "rules", "alerts.yaml")
	promtool(t, folder, "", "test", "rules", filepath.Base(alertTests))
}

func TestTheManualListsTheMetrics(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join(repoRoot, "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(manual), "\n## Monitoring\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, metrics := busy(t, modelstest.SQLite(t))
	names := shown(t, metrics)
	for name := range names {
		own := strings.HasPrefix(name, "latchkey_")
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		if own && !strings.Contains(section, "`"+name+"`") {
			t.Errorf("OPERATIONS.md does not explain %s", name)
		}
	}
	for _, name := range asked(section) {
		if strings.HasPrefix(name, "latchkey_") && !names[name] && !names[name+"_count"] {
			t.Errorf("The section Monitoring of OPERATIONS.md explains %s, which is not shown", name)
		}
	}
}

func TestTheDashboardIsComplete(t *testing.T) {
	var d struct {
		Panels []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(dashboard), &d); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	rules := "groups:\n- name: panels\n  rules:\n" // promtool reads the expressions as rules
	variables := strings.NewReplacer("$__rate_interval", "5m")
	for i, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 || (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %d %q: %+v", p.ID, p.Title, p)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			rules += fmt.Sprintf("  - {record: 'panel:%d', expr: %q}\n", p.ID, variables.Replace(q.Expr))
		}
		for _, q := range d.Panels[:i] {
			if a, b := p.GridPos, q.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%q covers %q", p.Title, q.Title)
			}
		}
	}
	if len(d.Panels) < 20 {
		t.Errorf("%d panels", len(d.Panels))
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "panels.yaml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, folder, "", "check", "rules", "--lint=none", "panels.yaml")
}
