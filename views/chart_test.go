package views

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestTheAxisOfAChartEndsAtARoundNumber(t *testing.T) {
	for n, want := range map[int64]int64{
		0: 1, 1: 1, 2: 2, 3: 4, 5: 6, 7: 8, 9: 10, 10: 10, 11: 20, 61: 80, 2134: 4000, 999_999: 1_000_000,
	} {
		if got := roundUp(n); got != want {
			t.Errorf("roundUp(%d) = %d, want %d", n, got, want)
		}
	}
	if got := roundUp(math.MaxInt64); got <= 0 {
		t.Errorf("the largest number ends at %d", got)
	}
}

// Sign-ins and failures can be compared: as many of the one are as high as of the other, and both axes say the same.
func TestChartsOfOneGroupHaveOneScale(t *testing.T) {
	days := []time.Time{time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, time.November, 3, 0, 0, 0, 0, time.UTC)}
	list := []Chart{
		{ID: "a", Title: "A", Group: "g", Days: days, N: []int64{70, 10}},
		{ID: "b", Title: "B", Group: "g", Days: days, N: []int64{10, 0}},
		{ID: "c", Title: "C", Days: days, N: []int64{1, 0}},
		{ID: "d", Title: "D", Days: days, N: []int64{3, 0}, Alarm: true},
	}
	doc := render(t, charts(list))
	for i, want := range []string{"80 40 0", "80 40 0", "1 0", "4 2 0"} {
		if got := strings.Join(strings.Fields(text(find(doc, "p", "class", "chart-scale")[i])), " "); got != want {
			t.Errorf("the axis of chart %d says %q, want %q", i, got, want)
		}
	}
	if a, b := list[0].bars(80)[1], list[1].bars(80)[0]; a.height != b.height || a.height != "7.5" {
		t.Errorf("ten are %s high in one chart, %s in the other", a.height, b.height)
	}
	if n := len(find(doc, "rect", "class", "bar bar-today")); n != len(list) {
		t.Errorf("%d charts tell today from the days before", n)
	}
	if n := len(find(doc, "", "class", "icon")); n != 1 {
		t.Errorf("%d charts have the sign of an alarm, without regard to colours", n)
	}
	for _, c := range list {
		if said := fmt.Sprint(text(find(doc, "table")[0])); !strings.Contains(said, c.Title) {
			t.Errorf("the table lacks %s", c.Title)
		}
	}
}
