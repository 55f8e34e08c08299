package dpop_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/auth/dpop"
)

// In a bubble, time is the monotonic clock, which the memory uses. The system's clock, with which callers check a proof, has no
// effect on it.
func TestAProofIsRememberedForLongerThanItCouldBeUsed(t *testing.T) {
	for _, c := range []struct {
		name     string
		byNonce  bool
		goodFor  time.Duration
		forgotIn time.Duration
	}{
		{"by its iat: 60 s, 10 s of clocks ahead, and a minute", false, 130 * time.Second, 191 * time.Second},
		{"by a nonce: three minutes, and a minute", true, 240 * time.Second, 301 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen dpop.Seen
				type one struct {
					p  dpop.Proof
					at time.Time
				}
				var used []one
				for n := range 700 { // at every second of a turn, and on
					p := dpop.Proof{JKT: "key", ID: strconv.Itoa(n), ByNonce: c.byNonce}
					if err := seen.Consume(p, "account"); err != nil {
						t.Fatalf("proof %d: %v", n, err)
					}
					used = append(used, one{p, time.Now()})
					for _, age := range []int{0, 1, 59, 60, 61, 100, 129, 150, 200, 239} {
						if age > n || time.Duration(age)*time.Second > c.goodFor {
							continue
						}
						if err := seen.Consume(used[n-age].p, "account"); !errors.Is(err, dpop.ErrInvalid) {
							t.Fatalf("proof %d, again after %d s: %v", n-age, age, err)
						}
					}
					time.Sleep(time.Second)
				}
				time.Sleep(c.forgotIn)
				for _, u := range used { // nothing stays for ever
					if err := seen.Consume(u.p, "account"); err != nil {
						t.Fatalf("proof %s, %v later: %v", u.p.ID, time.Since(u.at), err)
					}
				}
			})
		})
	}
}

func TestTheSameIDOfAnotherKeyIsAnotherProof(t *testing.T) {
	var seen dpop.Seen
	for n, p := range []dpop.Proof{{JKT: "a", ID: "bc"}, {JKT: "ab", ID: "c"}, {JKT: "", ID: "abc"}} {
		if err := seen.Consume(p, "account"); err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// A few accounts send as many proofs as they can. A newcomer's proof is still accepted, and a replay never is, however full the
// memory is.
func TestAFewCannotUseUpTheMemoryOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := dpop.NewSeen(20_000)
		sent := func(who string, n int) error { return seen.Consume(dpop.Proof{JKT: who, ID: strconv.Itoa(n)}, who) }
		flood := func(who string) (taken int) {
			for ; ; taken++ {
				if err := sent(who, taken); errors.Is(err, dpop.ErrCrowded) {
					return taken
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
		total := flood("alone")
		if total < 900 || total > 1000 {
			t.Errorf("one account may have %d proofs", total)
		}
		for a := range 30 {
			n := flood(fmt.Sprint("flooder ", a))
			if n < 200 {
				t.Fatalf("account %d had only %d", a, n)
			}
			total += n
		}
		if total < 10_000 {
			t.Fatalf("only %d are remembered", total)
		}
		for n := range 200 {
			if err := sent("bystander", n); err != nil {
				t.Fatalf("with %d remembered, the bystander's %d: %v", total, n, err)
			}
			if err := sent("bystander", n); !errors.Is(err, dpop.ErrInvalid) {
				t.Fatalf("with %d remembered, a replay: %v", total, err)
			}
		}
		if err := sent("flooder 0", 0); !errors.Is(err, dpop.ErrInvalid) {
			t.Errorf("a replay past the share: %v", err)
		}
		for a := range 1000 { // far more than a few: it is full, and its bound holds
			total += flood(fmt.Sprint("crowd ", a))
		}
		if total += 200; total < 19_900 || total > 20_000 {
			t.Errorf("%d are remembered", total)
		}
		if err := sent("flooder 0", 0); !errors.Is(err, dpop.ErrInvalid) {
			t.Errorf("a replay when all is full: %v", err)
		}
		time.Sleep(4 * time.Minute)
		if err := sent("somebody else", 0); err != nil {
			t.Errorf("four minutes later: %v", err)
		}
	})
}
