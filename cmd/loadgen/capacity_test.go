package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// What make bench-growth measured with a million devices on PostgreSQL.
const (
	deviceBytes    = 1047 // with indexes
	accountBytes   = 444
	entryBytes     = 89 // of the status lists
	originBytes    = 177
	eventBytes     = 650
	touchedBytes   = 740 // of a device's row and the index that a refresh finds it by
	serverMicros   = 163 // CPU time of a refresh: of Latchkey, and of PostgreSQL
	databaseMicros = 99
)

// What the guide to capacity assumes.
const (
	devicesOfAccount = 2
	eventsOfDevice   = 4
	refreshAt        = 0.85 // of an access token's life: refresh_in is 80 to 90 % of it
	busy             = 0.5  // the share of a core that is planned with
	onePostgres      = 16   // cores that one PostgreSQL may keep busy
	onePostgresGB    = 1000
)

// capacity is what a number of devices needs that all refresh all the time.
type capacity struct {
	devices int64
	life    time.Duration // of an access token
}

func (c capacity) rate() float64          { return float64(c.devices) / (refreshAt * c.life.Seconds()) }
func (c capacity) serverCores() float64   { return c.rate() * serverMicros / 1e6 / busy }
func (c capacity) databaseCores() float64 { return c.rate() * databaseMicros / 1e6 / busy }
func (c capacity) disk() float64 {
	return float64(c.devices) * (deviceBytes + entryBytes + originBytes + accountBytes/devicesOfAccount + eventsOfDevice*eventBytes) / 1e9
}
func (c capacity) memory() float64 { return float64(c.devices) * touchedBytes / 1e9 }

// onOne reports whether one PostgreSQL is enough.
func (c capacity) onOne() bool { return c.databaseCores() <= onePostgres && c.disk() <= onePostgresGB }

func (c capacity) line() string {
	where := "one PostgreSQL"
	if !c.onOne() {
		where = "Citus"
	}
	life := "15 min"
	if c.life == 8*time.Hour {
		life = "8 h"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |", thousands(int(c.devices)), life, rounded(c.rate()), rounded(c.serverCores()), rounded(c.databaseCores()),
		rounded(c.disk()), rounded(c.memory()), where)
}

// rounded keeps two digits, and one of what is below one.
func rounded(x float64) string {
	switch {
	case x < 0.1:
		return "< 0.1"
	case x < 10:
		return fmt.Sprintf("%.1f", x)
	}
	unit := 1.0
	for x/unit >= 100 {
		unit *= 10
	}
	return thousands(int(x/unit+0.5) * int(unit))
}

func TestTheGuideToCapacityIsComputed(t *testing.T) {
	raw, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	said := func(line string) {
		t.Helper()
		if !strings.Contains(strings.Join(strings.Fields(text), " "), line) {
			t.Errorf("OPERATIONS.md does not say: %s", line)
		}
	}
	for devices := int64(100_000); devices <= 1_000_000_000; devices *= 10 {
		for _, life := range []time.Duration{15 * time.Minute, 8 * time.Hour} {
			said(capacity{devices, life}.line())
		}
	}
	said(fmt.Sprintf("devices × (%d + %d + %d + %d ÷ %d + %d × %d) bytes", deviceBytes, entryBytes, originBytes, accountBytes, devicesOfAccount, eventsOfDevice, eventBytes))
	said(fmt.Sprintf("refreshes a second × %d µs ÷ %v, and of PostgreSQL refreshes a second × %d µs ÷ %[2]v", serverMicros, busy, databaseMicros))
	for what, n := range map[string]string{
		"bytes of a device, without and with its indexes":                   fmt.Sprintf(", %d |", deviceBytes),
		"bytes of an event, without and with its indexes":                   fmt.Sprintf(", %d |", eventBytes),
		"bytes of an account, an entry of the status lists, a known origin": fmt.Sprintf(" %d, %d, %d |", accountBytes, entryBytes, originBytes),
		"CPU time of a refresh, µs: Latchkey’s, PostgreSQL’s":               fmt.Sprintf(" %d, %d |", serverMicros, databaseMicros),
	} {
		_, rest, found := strings.Cut(text, "\n| "+what+" |")
		line, _, _ := strings.Cut(rest, "\n")
		if cells := strings.SplitAfter(line, "|"); !found || len(cells) < 2 || !strings.Contains(cells[1], strings.TrimPrefix(n, "|")) {
			t.Errorf("the table of growth does not have %q in the column of a million devices on PostgreSQL: %s", n, line)
		}
	}
	said(fmt.Sprintf("devices ÷ (%v × life of an access token)", refreshAt))
	said(fmt.Sprintf("devices × %d bytes", touchedBytes))
	said(fmt.Sprintf("%d cores or %d GB", onePostgres, onePostgresGB))
}
