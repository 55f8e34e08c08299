package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// The clocks of the replicas differ, by a quarter of a minute and by most of one. The replicas are the program with one change: a setting
// moves the clock that serve gives to its services.
func TestClusterWithClocksThatDiffer(t *testing.T) {
	if !crashSoak {
		t.Skip("takes a minute: make soak-cluster")
	}
	program := clockedBinary(t)
	var report clusterReport
	for name, by := range map[string]time.Duration{"clocks 15 s apart": 15 * time.Second, "clocks 50 s apart": 50 * time.Second} {
		t.Run(name, func(t *testing.T) {
			primary := modelstest.StartCluster(t)
			standby := primary.StartStandby(t)
			c := newClusterSite(t, primary.URL("latchkey"), modelstest.URLOfAll("latchkey", primary, standby))
			for i, moved := range []time.Duration{-by / 2, by / 2} {
				r := c.replicas[i]
				r.end(syscall.SIGKILL)
				r.program, r.settings = program, append(r.settings, "CLUSTER_TEST_CLOCK="+moved.String())
				r.start()
			}
			if apart := c.replicas[1].clock().Sub(c.replicas[0].clock()); (apart - by).Abs() > 5*time.Second {
				t.Fatalf("the clocks are %s apart", apart)
			}
			report = append(report, c.under(name, func(*clusterRun) { time.Sleep(10 * time.Second) }))
		})
	}
	t.Logf("\n%s", report)
}

// clock reads the time at which a replica issues an access token.
func (r *clusterReplica) clock() time.Time {
	t := r.site.t
	t.Helper()
	_, rest, _ := strings.Cut(login(t, "http://"+r.address, crashEmail, crashPassword, "clock").want(t, 200).field("access_token"), ".")
	claims, _, _ := strings.Cut(rest, ".")
	body, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		t.Fatal(err)
	}
	var issued struct{ Iat int64 }
	if err := json.Unmarshal(body, &issued); err != nil {
		t.Fatal(err)
	}
	return time.Unix(issued.Iat, 0)
}

// clockedBinary builds the program with an overlay of the file that starts the services (go help build, "-overlay").
func clockedBinary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, err := os.ReadFile("serve.go")
	if err != nil {
		t.Fatal(err)
	}
	const start = "Start(env, func(config *services.Config) {\n"
	changed := replaced(t, string(source), start, start+`
		by, err := time.ParseDuration(os.Getenv("CLUSTER_TEST_CLOCK"))
		if err != nil {
			panic(err)
		}
		config.Now = func() time.Time { return time.Now().Add(by) }
`, `"os/signal"`, "\"os\"\n\t\"os/signal\"", `"syscall"`, "\"syscall\"\n\t\"time\"")
	here, err := filepath.Abs("serve.go")
	if err != nil {
		t.Fatal(err)
	}
	there, overlay, program := filepath.Join(dir, "serve.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "latchkey")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{here: there}})
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string][]byte{there: []byte(changed), overlay: list} {
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}
