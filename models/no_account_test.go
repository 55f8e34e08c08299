package models_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// unknown is the event of a failed sign-in with an address that no account has.
func unknown(at time.Time) models.Event {
	return models.Event{ID: models.NewID(at), At: at, Kind: models.EventSignInFailed, Actor: models.ActorSystem}
}

// spread returns how many rows of no account there are, and how many of them lie on the fullest shard.
func spread(t *testing.T, s *models.Store) (all, fullest int64) {
	t.Helper()
	all = count(t, s, "SELECT count(*) FROM events WHERE "+ofNoAccount)
	return all, count(t, s, "SELECT max(n) FROM (SELECT sum(n) AS n FROM (SELECT user_id, count(*) AS n FROM events WHERE "+ofNoAccount+
		" GROUP BY user_id) AS u GROUP BY get_shard_id_for_distribution_column('events', user_id)) AS s")
}

// Events of no account are for ever more: no shard may get them all.
func TestEventsOfNoAccountLieOnAllShardsOfCitus(t *testing.T) {
	needCitus(t)
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		manyEvents(t, s, u.ID, 2000)
		for i := range 200 {
			if err := s.AddFailure(t.Context(), unknown(noon.Add(time.Duration(i)*time.Minute))); err != nil {
				t.Fatal(err)
			}
		}
		again := unknown(noon)
		again.ID = uuid.MustParse("019c0000-0000-7000-8000-00000000beef")
		for range 3 {
			if err := s.AddFailure(t.Context(), again); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, s, "SELECT more FROM events WHERE user_id = '00000000-0000-0000-0000-00000000beef'"); n != 2 {
			t.Errorf("the event of three failures counts %d more", n)
		}
		if err := deleteWhole(t, s, deletion(u, noon)); err != nil {
			t.Fatal(err)
		}
		all, fullest := spread(t, s)
		t.Logf("%d events of no account, %d of them on the fullest shard", all, fullest)
		shards := count(t, s, "SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 'events'::regclass")
		if all < 2200 || fullest > all*3/(2*shards) {
			t.Errorf("%d of %d on one of %d shards", fullest, all, shards)
		}
		n := count(t, s, "SELECT count(DISTINCT user_id) FROM events WHERE kind <> 'sign_in_failed' AND "+ofNoAccount)
		if n < 1900 {
			t.Errorf("%d ids for the events of a deleted account: those that share one are seen to belong together", n)
		}
	})
}

// Systems of the operator's are not told of them.
func TestNobodyIsToldOfEventsOfNoAccountOnCitus(t *testing.T) {
	needCitus(t)
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		u := addUser(t, s)
		for range 20 {
			if err := s.AddFailure(t.Context(), unknown(noon)); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := s.EventsAfter(t.Context(), models.EventCursor{}, noon.Add(time.Hour), 100); err != nil || len(list) != 1 || list[0].UserID != u.ID {
			t.Errorf("the feed: %+v, %v", list, err)
		}
		if err := s.AddWebhook(t.Context(), models.Webhook{ID: "a", URL: "https://example.org", Kinds: models.AllKinds, Secret: []byte{1}, CreatedAt: noon.Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.QueueWebhooks(t.Context(), noon.Add(time.Hour), noon.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, "SELECT count(*) FROM webhook_messages"); n != 1 {
			t.Errorf("%d messages of one event of an account", n)
		}
	})
}

// Those that were there before the tables were distributed, too.
func TestDistributionSpreadsTheEventsOfNoAccount(t *testing.T) {
	needCitus(t)
	s := migrated(t, models.Config{URL: modelstest.SharedCitus(t).Database(t)})
	exec(t, s, fmt.Sprintf(`INSERT INTO events (user_id, id, at, kind, actor) SELECT '%s', gen_random_uuid(), now(), 'sign_in', 'owner' FROM generate_series(1, 1000)`, uuid.Nil))
	if _, err := s.Distribute(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, fullest := spread(t, s); all != 1000 || fullest > 375 {
		t.Errorf("%d of %d on one shard", fullest, all)
	}
}
