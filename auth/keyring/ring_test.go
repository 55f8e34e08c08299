package keyring

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

// at gives keys of one algorithm that sign from the given days on, Seq 1, 2, 3 …
func at(t testing.TB, alg string, days ...float64) []*Key {
	t.Helper()
	var keys []*Key
	for i, d := range days {
		keys = append(keys, generated(t, alg, int64(i+1), onDay(d)))
	}
	return keys
}

func onDay(d float64) time.Time { return start.Add(time.Duration(d * float64(day))) }

func names(keys []*Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%s%d", k.Alg[:2], k.Seq))
	}
	return strings.Join(out, " ")
}

func TestWhoSignsAndWhoIsPublished(t *testing.T) {
	three := at(t, ES256, 0, 30, 60)
	mixed := append(at(t, EdDSA, 0, 30), at(t, ES256, 40)...)
	schedule := Schedule{Every: 30 * day, Keep: 2 * day}
	for _, c := range []struct {
		name                        string
		keys                        []*Key
		day                         float64
		signing, published, retired string
	}{
		{"before the first turn the first key signs", three, -1, "ES1", "ES1 ES2 ES3", ""},
		{"a turn begins at its very moment", three, 30, "ES2", "ES1 ES2 ES3", ""},
		{"and not before", three, 29.99, "ES1", "ES1 ES2 ES3", ""},
		{"the predecessor stays for Keep", three, 31.99, "ES2", "ES1 ES2 ES3", ""},
		{"and is retired then", three, 32, "ES2", "ES2 ES3", "ES1"},
		{"the last key of the ring's algorithm stays for ever", three, 5000, "ES3", "ES3", "ES1 ES2"},
		{"keys of two turns that begin together: the later number signs", at(t, ES256, 0, 0), 0, "ES2", "ES1 ES2", ""},
		{"and the other is retired after Keep", at(t, ES256, 0, 0), 2, "ES2", "ES2", "ES1"},
		{"after a change of algorithm the old keys stay published", mixed, 40, "ES1", "ES1 Ed2", "Ed1"},
		{"the last of them for a turn and Keep", mixed, 61.99, "ES1", "ES1 Ed2", "Ed1"},
		{"and no longer", mixed, 62, "ES1", "ES1", "Ed1 Ed2"},
		{"until the new algorithm's turn the old one's key signs", mixed, 39, "Ed2", "ES1 Ed2", "Ed1"},
		{"whichever has its turn then", mixed, 29, "Ed1", "ES1 Ed1 Ed2", ""},
		{"but none that is retired", append(at(t, EdDSA, 0), at(t, ES256, 40)...), 33, "ES1", "ES1", "Ed1"},
		{"an empty ring", nil, 0, "", "", ""},
	} {
		r, now := New(ES256, c.keys, schedule), onDay(c.day)
		var signing []*Key
		if k, ok := r.Signing(now); ok {
			signing = append(signing, k)
		}
		if got := names(signing); got != c.signing {
			t.Errorf("%s: %q signs, want %q", c.name, got, c.signing)
		}
		if got := names(r.Published(now)); got != c.published {
			t.Errorf("%s: published %q, want %q", c.name, got, c.published)
		}
		if got := names(r.Retired(now)); got != c.retired {
			t.Errorf("%s: retired %q, want %q", c.name, got, c.retired)
		}
		set := parsePublic(t, r.JWKS(now))
		for _, k := range c.keys {
			if _, ok := r.Find(k.ID, now); ok != (set[k.ID] != nil) {
				t.Errorf("%s: %s found: %v, in the key set: %v", c.name, names([]*Key{k}), ok, !ok)
			}
			found, ok := r.Find(k.ID, now)
			if ok && found != k {
				t.Errorf("%s: found another key", c.name)
			}
			if published := strings.Contains(" "+c.published+" ", " "+names([]*Key{k})+" "); ok != published {
				t.Errorf("%s: %s found: %v, published: %v", c.name, names([]*Key{k}), ok, published)
			}
		}
		if _, ok := r.Find("no such kid", now); ok {
			t.Errorf("%s: found a kid that is not there", c.name)
		}
	}
}

func TestWhichKeyIsDue(t *testing.T) {
	schedule := Schedule{Every: 30 * day, Keep: 2 * day, Lead: day, Announce: 6 * time.Hour}
	for _, c := range []struct {
		name      string
		keys      []*Key
		day       float64
		seq       int64
		signsFrom float64
	}{
		{"nothing yet: the first key, at once", nil, 5, 1, 5},
		{"the first key of another algorithm: published first", at(t, EdDSA, 0, 30), 5, 1, 5.25},
		{"which is not made twice", append(at(t, EdDSA, 0, 30), at(t, ES256, 5.25)...), 5, 0, 0},
		{"keys of another algorithm that are retired do not count", at(t, EdDSA, 0), 40, 1, 40},
		{"those whose turn is to come do: the clock was set back", at(t, EdDSA, 10, 40), 5, 1, 5.25},
		{"only a current key: the next one, for the end of its turn", at(t, ES256, 0), 1, 2, 30},
		{"a next key is there: nothing", at(t, ES256, 0, 30), 1, 0, 0},
		{"the next key has become the current one", at(t, ES256, 0, 30), 30, 3, 60},
		{"late, but still with a lead to spare", at(t, ES256, 0), 29, 2, 30},
		{"too late for the lead: published for it first", at(t, ES256, 0), 29.5, 2, 30.5},
		{"overdue by far", at(t, ES256, 0), 500, 2, 501},
		{"the first key's turn is to come: nothing, it signs already", at(t, ES256, 10), 5, 0, 0},
		{"numbers are not used again when turns are out of order", at(t, ES256, 20, 0), 21, 3, 50},
	} {
		seq, signsFrom, due := New(ES256, c.keys, schedule).Due(onDay(c.day))
		if due != (c.seq > 0) || seq != c.seq || (due && !signsFrom.Equal(onDay(c.signsFrom))) {
			t.Errorf("%s: %d from %v, %v; want %d from %v", c.name, seq, signsFrom, due, c.seq, onDay(c.signsFrom))
		}
	}
}

func TestAZeroScheduleHasTheDefaults(t *testing.T) {
	r := New(ES256, at(t, ES256, 0), Schedule{})
	if _, from, _ := r.Due(onDay(1)); !from.Equal(onDay(30)) {
		t.Errorf("Every: next key from %v", from)
	}
	if _, from, _ := r.Due(onDay(40)); !from.Equal(onDay(40).Add(time.Hour)) {
		t.Errorf("Lead: next key from %v", from)
	}
	if got := names(New(ES256, at(t, ES256, 0, 1), Schedule{}).Retired(onDay(2))); got != "ES1" {
		t.Errorf("Keep: retired %q after a day", got)
	}
}

func TestATurnShorterThanTheLeadStillSettles(t *testing.T) {
	s := Schedule{Every: time.Minute, Lead: time.Hour}
	keys := fill(t, ES256, nil, s, start) // fails when it does not end
	if got := names(keys); got != "ES1 ES2" || !keys[1].SignsFrom.Equal(start.Add(time.Hour)) {
		t.Errorf("%s, the last from %v", got, keys[1].SignsFrom)
	}
}

func TestReplicasThatRaceNameTheSameKey(t *testing.T) {
	for name, keys := range map[string][]*Key{"the first": nil, "the next": at(t, ES256, 0)} {
		reversed := make([]*Key, 0, len(keys))
		for _, k := range keys {
			reversed = append([]*Key{k}, reversed...)
		}
		seqA, _, dueA := New(ES256, keys, Schedule{}).Due(onDay(3))
		seqB, _, dueB := New(ES256, reversed, Schedule{}).Due(onDay(3).Add(2 * time.Second)) // its clock is off
		if seqA != seqB || !dueA || !dueB {
			t.Fatalf("%s: %d (%v) and %d (%v)", name, seqA, dueA, seqB, dueB)
		}
		// One wins the unique index; the loser reads its row and has nothing to do.
		winner := fill(t, ES256, keys, Schedule{}, onDay(3))
		if seq, _, due := New(ES256, winner, Schedule{}).Due(onDay(3).Add(2 * time.Second)); due {
			t.Errorf("%s: the loser still wants key %d", name, seq)
		}
	}
}

// fill does what a caller does: it generates until no key is due.
func fill(t testing.TB, alg string, keys []*Key, s Schedule, now time.Time) []*Key {
	t.Helper()
	for range 5 {
		seq, from, due := New(alg, keys, s).Due(now)
		if !due {
			return keys
		}
		k, err := Generate(alg, seq, now, from)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	t.Fatal("a key is due for ever")
	return nil
}
