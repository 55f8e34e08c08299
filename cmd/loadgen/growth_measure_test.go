package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/devicetoken"
	"latchkey/auth/seal"
	"latchkey/models"
)

// sampled is how many devices each of the measuring clients refreshes in turn, and growthClients how many clients there are.
const (
	sampled       = 400
	growthClients = 8
)

// sample gives the server's clients tokens of devices that lie evenly over the whole table.
func (s *server) sample(b testing.TB, c crowd, clients, each int) {
	b.Helper()
	keys, err := seal.Keys([][]byte{s.secret}, "device token")
	if err != nil {
		b.Fatal(err)
	}
	codec := devicetoken.New(keys[0])
	n, devices := clients*each, make([]device, 0, clients*each)
	j := 0
	for i := range n {
		for j = max(j+1, i*c.accounts()/n); ; j++ { // the first device of an account is an app
			if c.revoked(j).IsZero() {
				devices = append(devices, device{Access: "a.b.c", Refresh: codec.Mint(c.token(j))})
				break
			}
		}
	}
	text, err := json.Marshal(devices)
	if err == nil {
		err = os.WriteFile(s.tokens, text, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// spread refreshes the sample and returns the report and what a refresh costs in CPU time, in microseconds: of the server's process, and of
// PostgreSQL's processes, 0 on SQLite.
func (s *server) spread(b testing.TB, postmaster int) (r *report, own, database float64) {
	b.Helper()
	before, beforeAll := threadTime(s.process.Process.Pid), familyTime(postmaster)
	r = s.load(b, options{Scenario: "refresh", Clients: growthClients, Devices: sampled, Tokens: s.tokens})
	if r.Failed > 0 {
		b.Fatalf("%d of %d refreshes failed: %v", r.Failed, r.Requests, r.Errors)
	}
	n := float64(r.Requests) * float64(time.Microsecond)
	return r, float64(threadTime(s.process.Process.Pid)-before) / n, float64(familyTime(postmaster)-beforeAll) / n
}

// threadTime is how long the threads of a process have run, by /proc/PID/task/*/schedstat: to the nanosecond, and whatever else runs on the machine.
func threadTime(pid int) (sum time.Duration) {
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		fields := strings.Fields(string(text))
		if len(fields) > 0 {
			n, _ := strconv.ParseInt(fields[0], 10, 64)
			sum += time.Duration(n)
		}
	}
	return sum
}

// familyTime is threadTime of a process and its children; 0 for no process.
func familyTime(pid int) (sum time.Duration) {
	if pid == 0 {
		return 0
	}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			sum += threadTime(child)
		}
	}
	return sum + threadTime(pid)
}

// list starts the server, and returns the size of the first full status list and how long its first answer took: it is encoded and signed then.
func (s *server) list(b testing.TB) (bytes int, took time.Duration) {
	b.Helper()
	times := make([]time.Duration, 5)
	for i := range times {
		s.stop(b)
		s.start(b)
		began := time.Now()
		answer, err := http.Get(s.url + "/statuslists/1")
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			b.Fatalf("the status list: %v %d %s", err, answer.StatusCode, text)
		}
		bytes, times[i] = len(text), time.Since(began)
	}
	slices.Sort(times)
	return bytes, times[len(times)/2]
}

// growthReads are what pages and searches read, by the store's own methods, for the device of a number.
var growthReads = []struct {
	what string
	call func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error)
}{
	{"the page of devices", func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error) {
		found, ended, err := g.store.DeviceOverview(ctx, g.user(g.owner(i)), q.Live, g.now.Add(-90*24*time.Hour), 20)
		return len(found) + len(ended), err
	}},
	{"the activity of an account", func(ctx context.Context, g *grown, i int, _ models.DeviceSearch) (int, error) {
		return counted(g.store.Events(ctx, g.user(g.owner(i)), models.EventCursor{}, 21))
	}},
	{"the story of a device", func(ctx context.Context, g *grown, i int, _ models.DeviceSearch) (int, error) {
		return counted(g.store.EventsOfDevice(ctx, models.DeviceKey{UserID: g.user(g.owner(i)), ID: g.device(i)}, models.EventCursor{}, 21))
	}},
	{"the search by the beginning of a name", func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error) {
		return counted(g.store.DevicesByName(ctx, models.KeyPrefix{Text: models.NameKey(g.name(i))[:4]}, models.NameCursor{}, q))
	}},
	{"the search by IP address", func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error) {
		return counted(g.store.DevicesByAddress(ctx, g.address(i), uuid.Nil, q))
	}},
	{"the search by device id", func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error) {
		return counted(g.store.DevicesByID(ctx, g.device(i), q))
	}},
	{"the search by e-mail address", func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error) {
		return counted(g.store.PeopleByEmail(ctx, models.KeyPrefix{Text: g.email(g.owner(i))[:7]}, "", q))
	}},
	{"a person for support", func(ctx context.Context, g *grown, i int, q models.DeviceSearch) (int, error) {
		_, err := g.store.PersonByID(ctx, g.user(g.owner(i)), q.Live)
		return 1, err
	}},
}

// reads times growthReads, in turns with those of base. Each is the median of calls for different devices, and its ratio to base's.
func (g *grown) reads(b testing.TB, base *grown, turns int) (rows [][2]string) {
	b.Helper()
	live := models.Liveness{Now: g.now, AppSince: g.now.Add(-30 * 24 * time.Hour), BrowserSince: g.now.Add(-24 * time.Hour), SupportSince: g.now.Add(-time.Hour)}
	q := models.DeviceSearch{Live: live, Limit: 21}
	for _, m := range growthReads {
		timed := func(g *grown, turn int) float64 {
			began := time.Now()
			n, err := m.call(b.Context(), g, int(mix(turn, 40)%uint64(g.others()))*g.sparse, q)
			if err != nil || n == 0 && !g.swept {
				b.Fatalf("%s: %d rows, %v", m.what, n, err)
			}
			return ms(time.Since(began))
		}
		own, first := make([]float64, turns), make([]float64, turns)
		for turn := range own {
			first[turn], own[turn] = timed(base, turn), timed(g, turn)
		}
		rows = append(rows, [2]string{m.what + ", ms (to that of the first column)", fmt.Sprintf("%.2f (%.2f)", median(own), median(own)/median(first))})
	}
	began, places := time.Now(), 0
	if err := g.store.RevokedPlaces(b.Context(), g.now.Add(-25*time.Hour), func(models.RevokedPlace) { places++ }); err != nil {
		b.Fatal(err)
	}
	return append(rows, [2]string{"reading the revocations of 25 hours, ms (how many)", fmt.Sprintf("%.1f (%d)", ms(time.Since(began)), places)})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func counted[T any](list []T, err error) (int, error) { return len(list), err }

// sweeps deletes the oldest events and revoked devices as the sweeper does, and returns how many it deletes in a second.
func (g *grown) sweeps(b testing.TB) float64 {
	b.Helper()
	g.swept = true
	until := g.at(min(g.devices/2, 20_000), g.devices)
	began := time.Now()
	n, err := g.store.Sweep(b.Context(), models.Retention{EventsBefore: until, DevicesBefore: until})
	if err != nil || n == 0 {
		b.Fatalf("sweep: %d, %v", n, err)
	}
	return float64(n) / time.Since(began).Seconds()
}
