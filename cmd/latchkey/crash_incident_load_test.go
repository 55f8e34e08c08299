package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/auth/statuslist"
	"latchkey/models/modelstest"
)

// An incident over very many devices, while two servers serve others. Its command dies by kill -9, and a server takes over; then it is paused, and a
// command resumes it. The figures are printed. The long form is over 1,000,000 devices on PostgreSQL and 10,000 on SQLite, and judges the refreshes
// of others on PostgreSQL.
func TestCrashInAnIncidentUnderLoad(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { incidentUnderLoad(t, modelstest.SQLite(t), crashCount(1000, 500, 10_000)) })
	t.Run("postgres", func(t *testing.T) {
		url := modelstest.StartCluster(t, modelstest.Durable, modelstest.Set("shared_buffers", "1GB")).URL("latchkey")
		incidentUnderLoad(t, url, crashCount(4000, 1000, 1_000_000))
	})
}

// incidentLoad is the scene of an incident.
type incidentLoad struct {
	t    *testing.T
	db   *sql.DB
	urls []string

	mu    sync.Mutex
	waits []time.Duration // of refreshes since they were last taken
}

func incidentUnderLoad(t *testing.T, url string, many int) {
	l := &incidentLoad{t: t, db: addStolen(t, url, many)}
	for range 2 {
		l.urls = append(l.urls, launch(t, on(url, "LATCHKEY_ISSUER=https://id.example.org"), "serve").url(t))
	}
	defer l.others(url, 6)()
	calm := time.Duration(crashCount(1, 1, 20)) * time.Second
	time.Sleep(calm)
	before := l.take("before")

	printed, id := previewed(t, url, stolen...)
	t.Log(printed)
	l.take("during the preview")
	began := time.Now()
	first := launch(t, on(url), "incident", "revoke", "--confirm", id)
	watched := l.watchLists()
	l.reach(many / 4)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	if !crashSoak {
		expireClaim(t, l.db)
	}
	killed := crashNumber(t, l.db, "SELECT devices FROM incidents")
	l.reach(min(int(killed)+many/4, many))
	t.Logf("%d devices when the command was killed, and a server went on by itself", killed)
	if o := launch(t, on(url), "incident", "pause", id).end(t, time.Minute); o.code == 0 {
		l.take("during the first half")
		time.Sleep(time.Duration(crashCount(1, 1, 60)) * time.Second)
		before = max(before, l.take("while it was paused")) // the machine may have more to do by now
	} else if crashNumber(t, l.db, "SELECT count(*) FROM incidents WHERE state = 'done'") != 1 {
		t.Errorf("pause: exit %d: %s", o.code, o.stderr)
	}
	if crashNumber(t, l.db, "SELECT count(*) FROM incidents WHERE state = 'done'") == 0 {
		if o := launch(t, on(url), "incident", "resume", id).end(t, 30*time.Minute); o.code != 0 {
			t.Errorf("resume: exit %d: %s%s", o.code, o.stdout, o.stderr)
		}
	}
	during := l.take("during the second half")
	t.Logf("%d devices in %s, a kill, the takeover and a pause included; slowest list %s late; %s", many, time.Since(began).Round(time.Second), watched().Round(time.Millisecond),
		must(t, url, "", "incident", "show", id))
	soundIncident(t, l.db, int64(many))
	if crashSoak && !strings.HasPrefix(url, "sqlite:") && during > 2*before {
		t.Errorf("the refreshes of others: p99 %s during the incident and %s before", during, before)
	}
	l.returnWave(crashCount(8, 4, 400))
}

// others sign in and refresh every ten milliseconds until the function is called that it returns.
func (l *incidentLoad) others(url string, n int) (stop func()) {
	ended := make(chan struct{})
	var clients sync.WaitGroup
	for i := range n {
		email := fmt.Sprintf("other%d@example.com", i)
		addUser(l.t, url, email)
		base := l.urls[i%len(l.urls)]
		token := login(l.t, base, email, password, "phone", "client_id", "kept").want(l.t, 200).field("refresh_token")
		clients.Go(func() {
			pace := time.NewTicker(10 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-ended:
					return
				case <-pace.C:
				}
				began := time.Now()
				r := refresh(l.t, base, token)
				if r.status != http.StatusOK {
					l.t.Errorf("a refresh of another: %d %s", r.status, r.body)
					return
				}
				token = r.field("refresh_token")
				l.mu.Lock()
				l.waits = append(l.waits, time.Since(began))
				l.mu.Unlock()
			}
		})
	}
	return func() {
		close(ended)
		clients.Wait()
	}
}

// take logs how long refreshes took since it was last called, and returns the 99th percentile.
func (l *incidentLoad) take(when string) (p99 time.Duration) {
	l.mu.Lock()
	list := slices.Sorted(slices.Values(l.waits))
	l.waits = nil
	l.mu.Unlock()
	if len(list) == 0 {
		return 0
	}
	at := func(q float64) time.Duration { return list[int(q*float64(len(list)-1))].Round(10 * time.Microsecond) }
	l.t.Logf("refreshes of others %s: %d, p50 %s, p99 %s, p99.9 %s, max %s", when, len(list), at(.5), at(.99), at(.999), at(1))
	return at(.99)
}

// reach waits until so many devices are signed out.
func (l *incidentLoad) reach(devices int) {
	l.t.Helper()
	eventually(l.t, 30*time.Minute, fmt.Sprintf("%d devices are signed out", devices), func() bool {
		time.Sleep(20 * time.Millisecond)
		return crashNumber(l.t, l.db, "SELECT devices FROM incidents") >= int64(devices)
	})
}

// watchLists looks from time to time which places were revoked by now, and how long it takes until each server's list has all of them. The bound is two
// seconds after the commit. The function that it returns ends that and tells the longest time.
func (l *incidentLoad) watchLists() func() time.Duration {
	ended, told := make(chan struct{}), make(chan time.Duration)
	go func() {
		var slowest time.Duration
		for {
			places, at := l.revoked(), time.Now()
			for _, base := range l.urls {
				for !l.has(base, places) && time.Since(at) < time.Minute {
					time.Sleep(100 * time.Millisecond)
				}
			}
			late := time.Since(at)
			slowest = max(slowest, late)
			if bound := time.Duration(crashCount(10, 30, 2)) * time.Second; late > bound+500*time.Millisecond {
				l.t.Errorf("a list had not all of %d revoked places after %s", len(places), late)
			}
			select {
			case <-ended:
				told <- slowest
				return
			case <-time.After(time.Duration(crashCount(1, 1, 3)) * time.Second):
			}
		}
	}()
	return func() time.Duration {
		close(ended)
		return <-told
	}
}

// revoked are the places of the latest devices that were signed out.
func (l *incidentLoad) revoked() (places []int) {
	rows, err := l.db.QueryContext(l.t.Context(), "SELECT status_index FROM devices WHERE revoked_at IS NOT NULL AND status_index IS NOT NULL ORDER BY revoked_at DESC LIMIT 50000")
	if err != nil {
		l.t.Error(err)
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var place int
		if err := rows.Scan(&place); err != nil {
			l.t.Error(err)
		}
		places = append(places, place)
	}
	return places
}

// has reports whether the first list of a server has all places.
func (l *incidentLoad) has(base string, places []int) bool {
	parts := strings.Split(get(l.t, base+"/statuslists/0").want(l.t, 200).body, ".")
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var list struct {
		StatusList struct {
			List string `json:"lst"`
		} `json:"status_list"`
	}
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	bits, decodeErr := statuslist.Decode(list.StatusList.List, 1<<20)
	if err != nil || decodeErr != nil {
		l.t.Errorf("a status list: %v %v", err, decodeErr)
		return true
	}
	return !slices.ContainsFunc(places, func(place int) bool { return !bits.Get(place) })
}

// returnWave signs n of the accounts in again, as fast as the servers let it.
func (l *incidentLoad) returnWave(n int) {
	l.take("after it")
	next := make(chan int)
	var people sync.WaitGroup
	began := time.Now()
	for i := range 8 {
		people.Go(func() {
			for u := range next {
				r := login(l.t, l.urls[i%len(l.urls)], fmt.Sprintf("u%d@example.org", u+1), password, "phone", "client_id", "back")
				if r.status != http.StatusOK {
					l.t.Errorf("a sign-in: %d %s", r.status, r.body)
				}
			}
		})
	}
	for u := range n {
		next <- u
	}
	close(next)
	people.Wait()
	took := time.Since(began)
	l.t.Logf("%d came back in %s, %.1f a second", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
	l.take("in the return wave")
}
