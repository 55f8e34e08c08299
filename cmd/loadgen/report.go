package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// report is what a run measured. Times are in milliseconds, memory in bytes.
type report struct {
	Scenario string           `json:"scenario"`
	Clients  int              `json:"clients"`
	Seconds  float64          `json:"seconds"`
	Requests int64            `json:"requests"`
	RPS      float64          `json:"rps"`
	P50      float64          `json:"p50_ms"`
	P95      float64          `json:"p95_ms"`
	P99      float64          `json:"p99_ms"`
	Max      float64          `json:"max_ms"`
	Failed   int64            `json:"errors"`
	Errors   map[string]int64 `json:"error_kinds,omitempty"`
	Acts     map[string]int64 `json:"acts"`
	PeakAnon int64            `json:"server_peak_private,omitempty"`
}

func summarise(o options, workers []*worker, took time.Duration, peak int64) *report {
	r := &report{Scenario: o.Scenario, Clients: o.Clients, Seconds: took.Seconds(), Errors: map[string]int64{}, Acts: map[string]int64{}, PeakAnon: peak}
	var times []time.Duration
	for _, w := range workers {
		times = append(times, w.times...)
		for what, n := range w.counts {
			r.Acts[what] += n
		}
		for what, n := range w.errors {
			r.Errors[what] += n
			r.Failed += n
		}
	}
	r.Requests = int64(len(times))
	r.RPS = float64(r.Requests-r.Failed) / took.Seconds()
	slices.Sort(times)
	at := func(share float64) float64 {
		if len(times) == 0 {
			return 0
		}
		return float64(times[min(int(share*float64(len(times))), len(times)-1)]) / float64(time.Millisecond)
	}
	r.P50, r.P95, r.P99, r.Max = at(.50), at(.95), at(.99), at(1)
	return r
}

func (r *report) writeJSON(w io.Writer) error {
	return json.NewEncoder(w).Encode(r)
}

func (r *report) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	memory := "-"
	if r.PeakAnon > 0 {
		memory = fmt.Sprintf("%.1f MB", float64(r.PeakAnon)/1e6)
	}
	fmt.Fprintln(table, "scenario\tclients\trequests\trps\tp50 ms\tp95 ms\tp99 ms\terrors\tprivate memory\t")
	fmt.Fprintf(table, "%s\t%d\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t%d\t%s\t\n", r.Scenario, r.Clients, r.Requests, r.RPS, r.P50, r.P95, r.P99, r.Failed, memory)
	if err := table.Flush(); err != nil {
		return err
	}
	kinds := make([]string, 0, len(r.Errors))
	for kind := range r.Errors {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Compare(r.Errors[b], r.Errors[a]) })
	for _, kind := range kinds[:min(5, len(kinds))] {
		fmt.Fprintf(w, "%8d × %s\n", r.Errors[kind], kind)
	}
	return nil
}

// watchMemory samples the private memory of the server until the context ends, and then returns the peak in bytes.
func watchMemory(ctx context.Context, pid int) func() int64 {
	if pid <= 0 {
		return func() int64 { return 0 }
	}
	done := make(chan int64, 1)
	go func() {
		peak := int64(0)
		for {
			peak = max(peak, privateMemory(pid))
			if !pause(ctx, 50*time.Millisecond) {
				done <- max(peak, privateMemory(pid))
				return
			}
		}
	}()
	return func() int64 { return <-done }
}

// privateMemory is RssAnon of /proc/PID/status, in bytes; 0 where /proc does not have it. Pages of the program's own file do not
// count: the kernel can drop them at any time.
func privateMemory(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("RssAnon:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
