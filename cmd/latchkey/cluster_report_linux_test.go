package main

import (
	"fmt"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// clusterRow is what a fault did to the clients.
type clusterRow struct {
	fault                                  string
	took, gap, first                       time.Duration // gap: the longest of a client; first: from the promotion to the first refresh
	refreshes, errors, signedOut, consumed int64
	revocations, undone, again             int64
}

type clusterReport []clusterRow

func (list clusterReport) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\tseconds\trefreshes\terrors\tsigned out\tconsumed\trevocations\tundone\tmade again\tlongest gap\tfirst success")
	for _, r := range list {
		first := "-"
		if r.first > 0 {
			first = fmt.Sprintf("%.2f s", r.first.Seconds())
		}
		fmt.Fprintf(w, "%s\t%.0f\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.2f s\t%s\n",
			r.fault, r.took.Seconds(), r.refreshes, r.errors, r.signedOut, r.consumed, r.revocations, r.undone, r.again, r.gap.Seconds(), first)
	}
	_ = w.Flush()
	return text.String()
}

// clusterRun is a site under a fault.
type clusterRun struct {
	*clusterSite
	first time.Duration
}

// must ends the test on an error of what strikes.
func (c *clusterRun) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// goesOn waits for the first refresh after now, and for enough to come after it.
func (c *clusterRun) goesOn(what string) {
	c.t.Helper()
	began, before := time.Now(), c.tally.refreshes.Load()
	eventually(c.t, time.Minute, "refreshes", func() bool { return c.tally.refreshes.Load() > before })
	c.first = time.Since(began)
	c.t.Logf("the first refresh after %s took %s", what, c.first.Round(time.Millisecond))
	if c.first > hungGap {
		c.t.Errorf("the first refresh took %s", c.first)
	}
	c.progress(100)
}

// under lets clients work while strike does its worst, and reports what came of it. restored: the database may fall back.
func (c *clusterSite) under(name string, strike func(c *clusterRun)) clusterRow {
	c.t.Helper()
	run := &clusterRun{clusterSite: c}
	stop := c.load(16, 200*time.Millisecond)
	c.progress(100)
	began := time.Now()
	strike(run)
	c.progress(100)
	took := time.Since(began)
	row := clusterRow{fault: name, took: took, first: run.first, refreshes: c.tally.refreshes.Load(), errors: c.tally.lost.Load() + c.tally.unavailable.Load()}
	stop()
	row.signedOut, row.consumed, row.revocations = c.tally.signedOut.Load(), c.tally.consumed.Load(), c.tally.revocations.Load()
	for _, r := range c.replicas {
		row.undone = max(row.undone, r.undone(c.acknowledged))
		row.again += r.again()
	}
	for _, client := range c.clients {
		row.gap = max(row.gap, client.gap)
	}
	if row.undone > 0 && !c.lossy {
		c.t.Errorf("%d acknowledged revocations are undone", row.undone)
	}
	for _, r := range c.replicas {
		r.end(syscall.SIGKILL)
	}
	c.audit(c.lossy, 0)
	return row
}
