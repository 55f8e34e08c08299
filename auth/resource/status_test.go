package resource

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The thief holds the access token of a phone that its owner signs out. He is refused within the list's ttl, whether he
// used the token before or not.
func TestAThiefIsRefusedWithinTheTTL(t *testing.T) {
	for _, thief := range []string{"seen before", "new"} {
		bubble(t, func(t *testing.T, i *issuer) {
			v := i.verifier(nil)
			stolen, other := i.listed(5), i.listed(6)
			want(t, v, other, nil, "somebody else")
			if thief == "seen before" {
				want(t, v, stolen, nil, "the thief, at first")
			}
			time.Sleep(listTTL / 2)
			i.revoke(5)
			time.Sleep(listTTL/2 + time.Millisecond)
			want(t, v, stolen, ErrRevoked, "the thief, after the ttl")
			want(t, v, other, nil, "somebody else, after it")
			i.stop(true)
			time.Sleep(5 * time.Minute)
			want(t, v, stolen, ErrRevoked, "the thief, without the issuer")
			want(t, v, other, nil, "somebody else, without the issuer")
			if hits := i.count(listPath); hits > 40 {
				t.Errorf("the list was asked for %d times", hits)
			}
		})
	}
}

func TestAShorterStatusRefreshIsObeyed(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.StatusRefresh = 5 * time.Second })
		want(t, v, i.listed(5), nil, "at first")
		i.revoke(5)
		time.Sleep(5*time.Second + time.Millisecond)
		want(t, v, i.listed(5), ErrRevoked, "after 5 s")
	})
}

func TestAListIsFetchedOnceForAllWhoNeedIt(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		var all sync.WaitGroup
		for n := range 50 {
			token := i.listed(n)
			all.Go(func() { want(t, v, token, nil, "one of fifty") })
		}
		all.Wait()
		if n := i.count(listPath); n != 1 {
			t.Errorf("%d fetches", n)
		}
		time.Sleep(10*listTTL + time.Second)
		if n := i.count(listPath); n != 11 {
			t.Errorf("%d fetches in ten times its ttl", n)
		}
	})
}

// A list's age counts from the start of its fetch, and its iat from its signing. A slow response lies between.
func TestASlowListIsNeitherFromTheFutureNorFresh(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.Leeway = -1 })
		i.change(func() {
			i.instead[listPath] = func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(20 * time.Second)
				w.Write([]byte(i.list()))
			}
		})
		token := i.listed(5)
		want(t, v, token, nil, "by a slow list")
		time.Sleep(listTTL - 10*time.Second)
		if n := i.count(listPath); n != 2 {
			t.Errorf("%d fetches within a ttl of the first", n)
		}
	})
}

func TestStaleListsFailClosed(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.MaxStaleness, c.MaxLifetime = 10*time.Minute, 100*time.Hour })
		fine, revoked := i.long(1), i.long(2)
		i.revoke(2)
		want(t, v, fine, nil, "at first")
		i.stop(true)
		time.Sleep(9 * time.Minute)
		want(t, v, fine, nil, "within MaxStaleness")
		want(t, v, i.listed(7), nil, "a token never seen before, within it")
		time.Sleep(2 * time.Minute)
		want(t, v, fine, ErrUnavailable, "after it")
		want(t, v, revoked, ErrRevoked, "a revoked one, after it")
		want(t, v, i.token(nil), nil, "one that names no list, after it")
		i.stop(false)
		time.Sleep(lastRetry + time.Second)
		want(t, v, fine, nil, "when the issuer is back")
	})
}

// long returns a listed token with a life of fifty hours.
func (i *issuer) long(index int) string {
	return i.token(map[string]any{"jti": strconv.Itoa(index), "exp": i.now().Add(50 * time.Hour).Unix(), "status": status(index, theList)})
}

func TestStaleListsFailOpenWhereThatIsChosen(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.MaxStaleness, c.MaxLifetime, c.FailOpen = 10*time.Minute, 100*time.Hour, true })
		fine, revoked := i.long(1), i.long(2)
		i.revoke(2)
		want(t, v, fine, nil, "at first")
		i.stop(true)
		time.Sleep(40 * time.Minute)
		want(t, v, fine, nil, "after MaxStaleness")
		want(t, v, revoked, ErrRevoked, "a revoked one, after it")
		want(t, v, i.token(map[string]any{"status": status(1, theIssuer+"/statuslists/2")}), nil, "of a list that never came")
		want(t, v, i.token(map[string]any{"status": status(1024, theList)}), ErrInvalidToken, "past the list")
	})
}

func TestAListThatNeverCameFailsClosed(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		token := i.token(map[string]any{"status": status(1, theIssuer+"/statuslists/2")})
		want(t, v, token, ErrUnavailable, "of a list that never came")
		want(t, v, token, ErrUnavailable, "again")
		want(t, v, i.listed(1), nil, "of another list")
	})
}

func TestAListEndsWithItsExp(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		i.exp = 2 * time.Minute
		v := i.verifier(func(c *Config) { c.MaxStaleness, c.Leeway = time.Hour, -1 })
		token := i.listed(1)
		want(t, v, token, nil, "at first")
		i.stop(true)
		time.Sleep(2*time.Minute - time.Second)
		want(t, v, token, nil, "before its exp")
		time.Sleep(2 * time.Second)
		want(t, v, token, ErrUnavailable, "after its exp")
	})
}

func TestAListIsFetchedAnewBeforeItsExp(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		i.exp, i.ttl = 30*time.Second, 3600
		v := i.verifier(func(c *Config) { c.Leeway = -1 })
		token := i.listed(1)
		want(t, v, token, nil, "at first")
		time.Sleep(28 * time.Second)
		if n := i.count(listPath); n != 2 {
			t.Errorf("%d fetches while nobody asked", n)
		}
		for range 100 {
			want(t, v, token, nil, "all the time")
			time.Sleep(7 * time.Second)
			token = i.listed(1)
		}
		if n := i.count(listPath); n < 20 || n > 35 {
			t.Errorf("%d fetches in 700 s", n)
		}
	})
}

func TestACachedTokenExpires(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		token := i.token(nil)
		want(t, v, token, nil, "at first")
		time.Sleep(15*time.Minute + 9*time.Second)
		want(t, v, token, nil, "within the leeway")
		time.Sleep(2 * time.Second)
		want(t, v, token, ErrInvalidToken, "after it")
		if n := v.verified.len(); n != 0 {
			t.Errorf("%d tokens are remembered", n)
		}
	})
}

// The clock is set while timers run on: documents that are overdue by the clock are fetched.
func TestListsFollowTheClockThatJudges(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		var ahead time.Duration
		i.now = func() time.Time { return time.Now().Add(ahead) }
		v := i.verifier(nil)
		token := i.listed(5)
		want(t, v, token, nil, "at first")
		i.revoke(5)
		synctest.Wait()
		ahead += listTTL + time.Second
		want(t, v, token, nil, "overdue: fetched in the background")
		synctest.Wait()
		want(t, v, token, ErrRevoked, "fetched")
		ahead += time.Hour
		want(t, v, i.listed(6), nil, "after an hour's sleep, waited for")
	})
}

func TestTheListUnusedLongestGivesWay(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(func(c *Config) { c.FailOpen, c.MaxLifetime = true, 100*time.Hour })
		of := func(n int) string { return theIssuer + "/statuslists/more/" + strconv.Itoa(n) }
		inUse := i.long(1)
		for n := range 2 * maxLists {
			want(t, v, inUse, nil, "a list in use")
			want(t, v, i.token(map[string]any{"status": status(1, of(n))}), nil, "another list")
			time.Sleep(time.Minute)
			lists := *v.lists.Load()
			if _, held := lists[theList]; !held || len(lists) > maxLists || len(lists) != len(v.stopList) {
				t.Fatalf("%d lists are held and %d run; the one in use: %v", len(lists), len(v.stopList), held)
			}
		}
		for n := range maxLists {
			want(t, v, i.token(map[string]any{"status": status(1, of(n))}), nil, "another list")
			time.Sleep(time.Minute)
		}
		if _, held := (*v.lists.Load())[theList]; held {
			t.Error("a list that nobody used is held")
		}
		i.revoke(1)
		want(t, v, inUse, ErrRevoked, "a cached token, its list fetched again")
	})
}
