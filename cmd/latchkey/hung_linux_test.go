package main

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// hungGap is how long the first refresh may take after a server is there again. It is generous: the log has what it took.
const hungGap = 10 * time.Second

// The primary hangs, and its connections stay open. The first refresh succeeds soon after the standby was promoted, or after the primary
// goes on, whichever way the program finds the new one, and no client is signed out.
func TestAHungPrimaryIsLeftSoon(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hangs   time.Duration // before the promotion
		proxied bool          // by one address, behind which the server changes; else by the names of both
		goesOn  bool          // the primary itself, instead of a promotion
		soak    bool          // only in a long run
	}{
		"promoted at once":            {},
		"promoted after a while":      {hangs: 7 * time.Second, soak: true},
		"at once, behind a proxy":     {proxied: true},
		"later, behind a proxy":       {hangs: 7 * time.Second, proxied: true, soak: true},
		"it goes on":                  {hangs: 4 * time.Second, goesOn: true},
		"it goes on, behind a proxy":  {hangs: 7 * time.Second, goesOn: true, proxied: true, soak: true},
		"it goes on before it's seen": {hangs: 500 * time.Millisecond, goesOn: true, soak: true},
	} {
		if c.soak && !crashSoak {
			continue
		}
		t.Run(name, func(t *testing.T) {
			primary := modelstest.StartCluster(t)
			standby := primary.StartStandby(t)
			through, proxy := modelstest.URLOfAll("latchkey", primary, standby), (*hungProxy)(nil)
			if c.proxied {
				proxy, through = newHungProxy(t, primary.URL("latchkey"))
			}
			s := newCrashSite(t, primary.URL("latchkey"), through)
			stop := s.load(8, 5*time.Millisecond)
			s.progress(20)
			if err := primary.Pause(t); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.hangs) // nothing else tells that time passed
			if c.goesOn {
				if err := primary.Resume(); err != nil {
					t.Fatal(err)
				}
			} else {
				if err := standby.Promote(); err != nil {
					t.Fatal(err)
				}
				if proxy != nil {
					proxy.lead(standby.URL("latchkey"))
				}
				s.direct = standby.URL("latchkey")
			}
			began, before := time.Now(), s.tally.refreshes.Load()
			eventually(t, time.Minute, "refreshes", func() bool { return s.tally.refreshes.Load() > before })
			gap := time.Since(began)
			if gap > hungGap {
				t.Errorf("the first refresh took %s", gap)
			}
			s.progress(50)
			t.Logf("the first refresh took %s, the first 50 %s", gap.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
			stop()
			s.stop()
			s.audit(false, 0)
		})
	}
}

// hungProxy passes connections on to one server at a time, like HAProxy without on-marked-down: those to the former one stay open.
type hungProxy struct{ target atomic.Pointer[string] }

func newHungProxy(t *testing.T, database string) (*hungProxy, string) {
	t.Helper()
	p := &hungProxy{}
	p.lead(database)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = crashListen(t, p.carry).Addr().String()
	return p, u.String()
}

// lead sends new connections to the server of a database.
func (p *hungProxy) lead(database string) {
	if u, err := url.Parse(database); err == nil {
		p.target.Store(&u.Host)
	}
}

func (p *hungProxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", *p.target.Load())
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	_, _ = io.Copy(server, client)
	_ = server.Close()
}
