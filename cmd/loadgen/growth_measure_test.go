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

// reads times what pages and searches read, by the store's own methods. Each is the median of many calls for different rows.
func (c crowd) reads(b testing.TB, s *models.Store) (rows [][2]string) {
	b.Helper()
	live := models.Liveness{Now: c.now, AppSince: c.now.Add(-30 * 24 * time.Hour), BrowserSince: c.now.Add(-24 * time.Hour), SupportSince: c.now.Add(-time.Hour)}
	q := models.DeviceSearch{Live: live, Limit: 21}
	for _, m := range []struct {
		what string
		call func(ctx context.Context, i int) (int, error)
	}{
		{"the page of devices", func(ctx context.Context, i int) (int, error) {
			found, ended, err := s.DeviceOverview(ctx, c.user(c.owner(i)), live, c.now.Add(-90*24*time.Hour), 20)
			return len(found) + len(ended), err
		}},
		{"the activity of an account", func(ctx context.Context, i int) (int, error) {
			return counted(s.Events(ctx, c.user(c.owner(i)), models.EventCursor{}, 21))
		}},
		{"the story of a device", func(ctx context.Context, i int) (int, error) {
			return counted(s.EventsOfDevice(ctx, models.DeviceKey{UserID: c.user(c.owner(i)), ID: c.device(i)}, models.EventCursor{}, 21))
		}},
		{"search by the beginning of a name", func(ctx context.Context, i int) (int, error) {
			return counted(s.DevicesByName(ctx, models.KeyPrefix{Text: models.NameKey(c.name(i))[:4]}, models.NameCursor{}, q))
		}},
		{"search by IP address", func(ctx context.Context, i int) (int, error) {
			return counted(s.DevicesByAddress(ctx, c.address(i), uuid.Nil, q))
		}},
		{"search by device id", func(ctx context.Context, i int) (int, error) { return counted(s.DevicesByID(ctx, c.device(i), q)) }},
		{"search by e-mail address", func(ctx context.Context, i int) (int, error) {
			return counted(s.PeopleByEmail(ctx, models.KeyPrefix{Text: c.email(c.owner(i))[:7]}, "", q))
		}},
		{"a person for support", func(ctx context.Context, i int) (int, error) {
			_, err := s.PersonByID(ctx, c.user(c.owner(i)), live)
			return 1, err
		}},
	} {
		times := make([]time.Duration, 300)
		for i := range times {
			began := time.Now()
			n, err := m.call(b.Context(), int(mix(i, 40)%uint64(c.others()))*c.sparse)
			if times[i] = time.Since(began); err != nil || n == 0 {
				b.Fatalf("%s: %d rows, %v", m.what, n, err)
			}
		}
		slices.Sort(times)
		rows = append(rows, [2]string{m.what + ", ms", fmt.Sprintf("%.2f", ms(times[len(times)/2]))})
	}
	began := time.Now()
	places, err := s.RevokedPlaces(b.Context(), c.now.Add(-25*time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	return append(rows, [2]string{"reading the revocations of 25 hours, ms (how many)", fmt.Sprintf("%.1f (%d)", ms(time.Since(began)), len(places))})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func counted[T any](list []T, err error) (int, error) { return len(list), err }

// sweeps deletes the oldest events and revoked devices as the sweeper does, and returns how many it deletes in a second.
func (c crowd) sweeps(b testing.TB, s *models.Store) float64 {
	b.Helper()
	share := min(max(c.devices/10, 20_000), c.devices/2)
	began := time.Now()
	n, err := s.Sweep(b.Context(), models.Retention{EventsBefore: c.at(min(share, 20_000), c.devices), DevicesBefore: c.at(min(share, 20_000), c.devices)})
	if err != nil || n == 0 {
		b.Fatalf("sweep: %d, %v", n, err)
	}
	return float64(n) / time.Since(began).Seconds()
}
