package services_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyRefresh runs the real code for every refresh of the table, not only for a sample.
var everyRefresh = flag.Bool("every-refresh", false, "recompute the table of rules on the real code alone")

// The world of the table: a client refreshes every 900 s less up to 120 s of jitter.
const (
	tableCycle  = 900 * time.Second
	tableJitter = 120 * time.Second
	tableThefts = 2000
	tableHonest = 200
	tableTurns  = 2000
)

var tableStart = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ownersPace(r *rand.Rand) time.Duration { return tableCycle - randomly(r, tableJitter) }

func randomly(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Float64() * float64(most))
}

// theft plays one theft: the thief has a copy of the token that the owner holds. Both use it next at some moment of the
// same cycle, then each goes on at a pace of his own with the answers he gets. It returns the cycles from the first use
// of the token, by either, until one of them is refused.
func theft(r *rand.Rand, rule refreshRule, pace func(*rand.Rand) time.Duration) float64 {
	type party struct {
		next  time.Time
		token int64
		pace  func(*rand.Rand) time.Duration
		ip    string
	}
	owner := &party{tableStart.Add(randomly(r, tableCycle)), 1, ownersPace, forkHome}
	thief := &party{tableStart.Add(randomly(r, tableCycle)), 1, pace, forkAway}
	first := owner.next
	if thief.next.Before(first) {
		first = thief.next
	}
	for {
		p := owner
		if thief.next.Before(owner.next) {
			p = thief
		}
		answer, ok := rule.present(p.token, p.ip, p.next)
		if !ok {
			return float64(p.next.Sub(first)) / float64(tableCycle)
		}
		p.token = answer
		p.next = p.next.Add(p.pace(r))
	}
}

// honestLife plays one honest client. 5 % of its answers are lost, and asked for again after 0.2 s to a day (uniformly in
// the logarithm); of its requests a share leaves a copy that lands 11 to 120 s later. It tells whether the client got through.
func honestLife(r *rand.Rand, rule refreshRule, turns int, copies float64) bool {
	now, token := tableStart, int64(1)
	type landing struct {
		at    time.Time
		token int64
	}
	var late []landing
	present := func(at time.Time) (int64, bool) {
		for len(late) > 0 && !late[0].at.After(at) {
			if _, ok := rule.present(late[0].token, forkHome, late[0].at); !ok {
				return 0, false
			}
			late = late[1:]
		}
		answer, ok := rule.present(token, forkHome, at)
		if ok && r.Float64() < copies {
			late = append(late, landing{at.Add(11*time.Second + randomly(r, 109*time.Second)), token})
			slices.SortStableFunc(late, func(a, b landing) int { return a.at.Compare(b.at) })
		}
		return answer, ok
	}
	for range turns {
		now = now.Add(ownersPace(r))
		for {
			answer, ok := present(now)
			if !ok {
				return false
			}
			if r.Float64() >= 0.05 {
				token = answer
				break
			}
			now = now.Add(time.Duration(0.2 * math.Pow(86400/0.2, r.Float64()) * float64(time.Second)))
		}
	}
	return true
}

// tableRow is a rule with its counts.
type tableRow struct {
	name        string
	found       [3][]float64 // cycles until a theft was found, by the thief's pace
	kept, clogs int          // honest clients kept: with lost answers, and with late copies too
	honest      int
}

var thiefPaces = [3]func(*rand.Rand) time.Duration{
	ownersPace,
	func(*rand.Rand) time.Duration { return time.Minute },
	func(*rand.Rand) time.Duration { return time.Hour },
}

func tabulate(name string, rule func() refreshRule, thefts, honest, turns int) tableRow {
	r := rand.New(rand.NewPCG(1, 2)) // the same table every time
	row := tableRow{name: name, honest: honest}
	for i, pace := range thiefPaces {
		for range thefts {
			row.found[i] = append(row.found[i], theft(r, rule(), pace))
		}
		slices.Sort(row.found[i])
	}
	for range honest {
		if honestLife(r, rule(), turns, 0) {
			row.kept++
		}
		if honestLife(r, rule(), turns, 0.01) {
			row.clogs++
		}
	}
	return row
}

func (r tableRow) quantile(pace int, q float64) float64 {
	return r.found[pace][int(q*float64(len(r.found[pace])-1))]
}

func (r tableRow) String() string {
	cells := []string{r.name}
	for i := range thiefPaces {
		cells = append(cells, fmt.Sprintf("%.1f / %.1f", r.quantile(i, .5), r.quantile(i, .99)))
	}
	cells = append(cells, fmt.Sprintf("%d of %d", r.kept, r.honest), fmt.Sprintf("%d of %d", r.clogs, r.honest))
	return "| " + strings.Join(cells, " | ") + " |"
}

const tableHead = `| rule | thief at the owner's pace | thief every 60 s | thief every hour | honest kept, lost answers | + late copies |
|---|---|---|---|---|---|`

// TestTheTableOfRules recomputes the table that compares the fork rule with the usual ones, and prints it. The fork
// rule's row is counted on the model, which this test and TestSearchForAHoleInTheForkRule hold against the real code at
// every step of a sample; with -every-refresh the real code counts it all, which takes minutes.
func TestTheTableOfRules(t *testing.T) {
	fork := func() refreshRule {
		return &modelRule{newForkRow(tableStart, tableStart.Add(1000*forkDay), forkHome, 0)}
	}
	judged := 0
	code := realRules(t, &judged)
	began := time.Now()
	if *everyRefresh {
		fork = code
	} else {
		thefts, honest, turns := 100, 6, 1000
		if testing.Short() {
			thefts, honest, turns = 20, 2, 200
		}
		sample := tabulate("sample", code, thefts, honest, turns)
		if sample.kept != honest || sample.clogs != honest {
			t.Errorf("of %d honest clients on the real code %d and %d were kept", honest, sample.kept, sample.clogs)
		}
		t.Logf("the real code and the model agreed on %d refreshes (%.1f s)", judged, time.Since(began).Seconds())
	}
	strict := tabulate("strict reuse detection with 10 s grace", func() refreshRule { return &strictRule{newest: 1, rotated: tableStart} }, tableThefts, tableHonest, tableTurns)
	before := tabulate("predecessor always answered with the current token", func() refreshRule { return &predecessorRule{newest: 1} }, tableThefts, tableHonest, tableTurns)
	forked := tabulate("**fork rule**", fork, tableThefts, tableHonest, tableTurns)
	t.Logf("cycles until a theft is found, median / 99th percentile, and honest clients kept:\n%s\n%s\n%s\n%s", tableHead, strict, before, forked)
	if *everyRefresh {
		t.Logf("the real code and the model agreed on %d refreshes (%.0f s)", judged, time.Since(began).Seconds())
	}

	if forked.kept != tableHonest || forked.clogs != tableHonest {
		t.Errorf("the fork rule kept %d and %d of %d honest clients", forked.kept, forked.clogs, tableHonest)
	}
	for i, most := range [3]float64{2, 1.1, 5.1} {
		if worst := forked.quantile(i, 1); worst > most {
			t.Errorf("pace %d: the slowest theft took the fork rule %.2f cycles, more than %.1f", i, worst, most)
		}
	}
	if strict.kept != 0 || strict.clogs != 0 {
		t.Errorf("strict reuse detection kept %d and %d honest clients; it is known to keep none", strict.kept, strict.clogs)
	}
	if median := before.quantile(0, .5); median < 20 {
		t.Errorf("the predecessor rule found thefts after %.1f cycles; it is known to let a thief at the owner's pace go on", median)
	}
}
