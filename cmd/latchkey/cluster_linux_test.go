package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/models/modelstest"
)

// clusterFault is what happens to a primary, its standby and two replicas.
type clusterFault struct {
	name    string
	lossy   bool // what was acknowledged may be lost
	root    bool // it needs root
	usual   bool // also in a short run
	options []modelstest.Option
	strike  func(c *clusterRun, primary, standby *modelstest.Cluster)
}

var clusterFaults = []clusterFault{
	{name: "kill -9 of the primary", usual: true, strike: func(c *clusterRun, primary, standby *modelstest.Cluster) {
		c.must(primary.Kill())
		time.Sleep(time.Second) // until something notices
		c.promotes(standby)
	}},
	{name: "the primary is made read-only", strike: func(c *clusterRun, primary, standby *modelstest.Cluster) {
		c.must(primary.Demote())
		time.Sleep(time.Second)
		c.promotes(standby)
		c.leaves(primary)
	}},
	{name: "the primary hangs", strike: func(c *clusterRun, primary, standby *modelstest.Cluster) {
		c.must(primary.Pause(c.t))
		time.Sleep(3 * time.Second)
		c.promotes(standby)
	}},
	{name: "the primary hangs for long", strike: func(c *clusterRun, primary, standby *modelstest.Cluster) {
		c.must(primary.Pause(c.t))
		time.Sleep(8 * time.Second) // no replica is ready any more
		c.promotes(standby)
	}},
	{name: "an asynchronous standby is late", lossy: true, strike: lostTail},
	{name: "a synchronous standby is cut off", strike: cutOff},
	// Without wal_keep_size or a slot, the primary could remove what its standby needs.
	{name: "the disk is full", root: true, strike: fullDisk, options: []modelstest.Option{modelstest.Set("wal_keep_size", "64MB")}},
	{name: "no connection is left", options: []modelstest.Option{modelstest.Set("max_connections", "40")}, strike: noConnections},
	{name: "a rolling restart", strike: rollingRestart},
}

// Two replicas behind HAProxy, a primary and its synchronous standby, sixteen clients that keep only their last token, and one fault at a
// time: no client is signed out, no token is consumed by an error, and no acknowledged revocation is undone.
func TestClusterUnderFaults(t *testing.T) {
	t.Parallel()
	var report clusterReport
	for _, fault := range clusterFaults {
		if !fault.usual && !crashSoak {
			continue
		}
		t.Run(fault.name, func(t *testing.T) {
			if fault.root && os.Geteuid() != 0 {
				t.Skip("a file system of its own needs root")
			}
			primary := modelstest.StartCluster(t, fault.options...)
			if fault.root {
				if err := primary.SmallDisk(t, 192<<20); err != nil {
					t.Fatal(err)
				}
			}
			standby := primary.StartStandby(t)
			c := newClusterSite(t, primary.URL("latchkey"), modelstest.URLOfAll("latchkey", primary, standby))
			c.lossy = fault.lossy
			report = append(report, c.under(fault.name, func(run *clusterRun) { fault.strike(run, primary, standby) }))
		})
	}
	t.Logf("\n%s", report)
}

// promotes makes the standby the primary, and waits until the clients go on there.
func (c *clusterRun) promotes(standby *modelstest.Cluster) {
	c.t.Helper()
	c.must(standby.Promote())
	c.direct = standby.URL("latchkey")
	c.goesOn("the promotion")
}

// lostTail: the standby lacks the last seconds, in which devices were revoked that it knows. What a replica has read in time is made again. The
// primary dies right after the last revocations.
func lostTail(c *clusterRun, primary, standby *modelstest.Cluster) {
	victims := c.victims(16)
	c.must(errors.Join(primary.Asynchronous(), standby.CutOff()))
	began := time.Now()
	for i, victim := range victims[:10] {
		c.revoke(nil, victim, i)
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * 200 * time.Millisecond)))
	}
	var last sync.WaitGroup
	for i, victim := range victims[10:] {
		last.Go(func() { c.revoke(nil, victim, i) })
	}
	last.Wait()
	c.must(primary.Kill())
	c.promotes(standby)
	time.Sleep(3 * time.Second) // the replicas compare each second
}

// victims signs devices in that are revoked later.
func (c *clusterRun) victims(n int) (list []*crashClient) {
	for range n {
		victim := c.crashSignIn(nil, "stolen")
		if victim == nil {
			c.t.FailNow()
		}
		list = append(list, victim)
	}
	return list
}

// cutOff: the primary loses its standby, cannot make its commits safe, and dies. The replicas die, too, and remember nothing.
func cutOff(c *clusterRun, primary, standby *modelstest.Cluster) {
	victims := c.victims(6)
	c.must(standby.CutOff())
	over := make(chan struct{})
	var work sync.WaitGroup
	for i, victim := range victims {
		work.Go(func() { c.revoke(over, victim, i) })
	}
	time.Sleep(8 * time.Second) // a write has five
	close(over)
	work.Wait()
	c.must(primary.Kill())
	for _, r := range c.replicas {
		r.end(syscall.SIGKILL)
	}
	c.must(standby.Promote())
	c.direct = standby.URL("latchkey")
	for _, r := range c.replicas {
		r.start()
	}
	c.goesOn("the start of the replicas")
}

// fullDisk: on a full disk PostgreSQL fails first single statements, then it cannot write its log and ends. Someone makes room and starts it.
func fullDisk(c *clusterRun, primary, _ *modelstest.Cluster) {
	before := c.tally.unavailable.Load()
	free, err := primary.FillDisk()
	c.must(err)
	eventually(c.t, time.Minute, "requests fail", func() bool { return c.tally.unavailable.Load() > before })
	for began := time.Now(); primary.Alive(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			c.t.Fatal("PostgreSQL writes its log on a full disk")
		}
		_ = primary.Exec("SELECT pg_switch_wal()") // it fails, at last
	}
	time.Sleep(time.Second)
	c.must(errors.Join(free(), primary.Start()))
	c.goesOn("room was made")
}

// noConnections: other clients of PostgreSQL take every connection that there is.
func noConnections(c *clusterRun, primary, _ *modelstest.Cluster) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	var others sync.WaitGroup
	failed := c.tally.unavailable.Load()
	for range 37 {
		others.Go(func() { occupy(ctx, primary.URL("latchkey")) })
	}
	for ctx.Err() == nil {
		// It fails while connections that are refused take the reserved ones, too.
		_ = primary.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'")
		time.Sleep(100 * time.Millisecond)
	}
	others.Wait()
	if c.tally.unavailable.Load() == failed {
		c.t.Error("no request met the lack of connections")
	}
	c.goesOn("there were connections again")
}

// occupy gets a connection, and keeps it until ctx ends.
func occupy(ctx context.Context, url string) {
	for ctx.Err() == nil {
		conn, err := pgx.Connect(ctx, url+"&application_name=other")
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		<-ctx.Done()
		_ = conn.Close(context.WithoutCancel(ctx))
	}
}

// rollingRestart: each replica ends in order and comes back, and no request of a client fails.
func rollingRestart(c *clusterRun, _, _ *modelstest.Cluster) {
	for _, r := range c.replicas {
		r.end(syscall.SIGTERM)
		r.start()
		time.Sleep(3 * time.Second) // HAProxy looks each second
	}
	if n := c.tally.lost.Load() + c.tally.unavailable.Load(); n != 0 {
		c.t.Errorf("%d requests failed in a rolling restart", n)
	}
	for _, r := range c.replicas {
		if strings.Contains(r.logs, "cut off") {
			c.t.Error("a replica cut requests off")
		}
	}
}
