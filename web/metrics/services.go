package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/auth/services"
)

// WatchServices shows what the services count and know. Each group below is one subject: a new package that counts
// something gets a group of its own.
func (m *Metrics) WatchServices(s *services.Services) {
	for _, g := range []group{refreshes(s), signIns(s), factorChecks(s), hashing(s), mails(s), webhooks(s), statusLists(s), signingKeys(s), sweeper(s), database(s)} {
		m.registry.MustRegister(g)
	}
}

func refreshes(s *services.Services) group {
	total := counter("refreshes_total", "Refreshes by outcome: rotated, repeated, forked and restored give tokens; reused means that a theft was found.", "outcome")
	return group{[]measure{total}, func(out chan<- prometheus.Metric) {
		for outcome, n := range s.Tokens.Refreshes().All() {
			total.to(out, float64(n), outcome)
		}
	}}
}

func signIns(s *services.Services) group {
	total := counter("sign_ins_total", "Sign-ins of apps and browsers by method and result. One with a second step counts for each step.", "kind", "method", "result")
	return group{[]measure{total}, func(out chan<- prometheus.Metric) {
		for k, n := range s.Tokens.SignIns().All() {
			if n > 0 || k.IsPassword() { // many combinations never happen
				total.to(out, float64(n), k.Kind, string(k.Method), k.Result)
			}
		}
	}}
}

func factorChecks(s *services.Services) group {
	total := counter("second_factor_checks_total", "Checks of second factors, and of passkeys alone, at sign-ins and confirmations.", "method", "result")
	return group{[]measure{total}, func(out chan<- prometheus.Metric) {
		for k, n := range s.Challenges.FactorChecks().All() {
			total.to(out, float64(n), string(k.Method), k.Result)
		}
	}}
}

func hashing(s *services.Services) group {
	slots := gauge("hash_slots", "Passwords that this process may hash at a time.")
	taken := gauge("hash_slots_taken", "Slots that hash a password, or are kept free while apps refresh.")
	waiting := gauge("hash_waiting", "Callers that wait for a slot.")
	admitted := counter("hashes_total", "Passwords that were hashed.")
	refused := counter("hashes_refused_total", "Passwords that were not hashed, because the queue was full or the wait too long.")
	waited := counter("hash_wait_seconds_total", "Time that all callers together waited for a slot.")
	return group{[]measure{slots, taken, waiting, admitted, refused, waited}, func(out chan<- prometheus.Metric) {
		st := s.Hasher.Stats()
		slots.to(out, float64(st.Slots))
		taken.to(out, float64(st.Taken))
		waiting.to(out, float64(st.Waiting))
		admitted.to(out, float64(st.Admitted))
		refused.to(out, float64(st.Refused))
		waited.to(out, st.Waited.Seconds())
	}}
}

func mails(s *services.Services) group {
	attempts := counter("mail_attempts_total", "Attempts to send a mail, by result (refused: for good; deferred: for now; settings: no mail leaves before the operator acts).", "result")
	givenUp := counter("mails_given_up_total", "Mails that were given up. The account's activity says so.")
	incidents := counter("incident_mails_total", "Mails about incidents by what became of them (put_back: the server put it off; skipped: the account is gone, disabled or not verified; dropped: its 7 days were over).", "result")
	return group{[]measure{attempts, givenUp, incidents}, func(out chan<- prometheus.Metric) {
		for result, n := range s.Notify.Attempts().All() {
			attempts.to(out, float64(n), result)
		}
		givenUp.to(out, float64(s.Notify.GivenUp()))
		for result, n := range s.Notify.Incidents().All() {
			incidents.to(out, float64(n), result)
		}
	}}
}

func webhooks(s *services.Services) group {
	total := counter("webhook_messages_total", "Attempts to tell systems of events, by result (failed: to be tried again; dropped: too many waited).", "result")
	return group{[]measure{total}, func(out chan<- prometheus.Metric) {
		c := s.Webhooks.Counts()
		total.to(out, float64(c.Delivered), "delivered")
		total.to(out, float64(c.Failed), "failed")
		total.to(out, float64(c.GivenUp), "given_up")
		total.to(out, float64(c.Dropped), "dropped")
	}}
}

func statusLists(s *services.Services) group {
	readAt := gauge("status_lists_read_timestamp_seconds", "When this process last read revocations. Older status lists may lack one.")
	lists := gauge("status_lists", "Status lists.")
	revoked := gauge("status_lists_revoked", "Devices that the status lists call revoked.")
	return group{[]measure{readAt, lists, revoked}, func(out chan<- prometheus.Metric) {
		st, ok := s.Revocations.State()
		if !ok {
			return
		}
		readAt.to(out, float64(st.ReadAt.Unix()))
		lists.to(out, float64(st.Lists))
		revoked.to(out, float64(st.Revoked))
	}}
}

func signingKeys(s *services.Services) group {
	since := gauge("signing_key_since_timestamp_seconds", "When the present signing key began to sign, by algorithm.", "alg")
	next := gauge("signing_key_next_timestamp_seconds", "When the next signing key begins to sign; 0 if there is no next key.")
	published := gauge("signing_keys", "Keys in the key set.")
	readAt := gauge("signing_keys_read_timestamp_seconds", "When this process last read the signing keys.")
	return group{[]measure{since, next, published, readAt}, func(out chan<- prometheus.Metric) {
		st, ok := s.Keys.State()
		if !ok {
			return
		}
		since.to(out, float64(st.SignsSince.Unix()), st.Alg)
		next.to(out, max(0, float64(st.NextFrom.Unix())))
		published.to(out, float64(st.Published))
		readAt.to(out, float64(st.ReadAt.Unix()))
	}}
}

func sweeper(s *services.Services) group {
	total := counter("sweeps_total", "Hourly sweeps by result.", "result")
	rows := counter("swept_rows_total", "Rows that were deleted because they were past their retention.")
	last := gauge("sweep_last_success_timestamp_seconds", "When the last sweep without an error ended; before the first one, when this process began to serve.")
	return group{[]measure{total, rows, last}, func(out chan<- prometheus.Metric) {
		st, ok := s.Operator.Sweeps()
		if !ok {
			return
		}
		total.to(out, float64(st.Succeeded), "succeeded")
		total.to(out, float64(st.Failed), "failed")
		rows.to(out, float64(st.Rows))
		last.to(out, float64(st.SucceededAt.Unix()))
	}}
}

// databaseTime is what the questions of one scrape to the database may take together.
const databaseTime = 4 * time.Second

// database asks the database whether it takes writes, as /readyz does, and what waits in it: six short statements a scrape. While it
// is down, what waits is not shown.
func database(s *services.Services) group {
	up := gauge("database_up", "Whether the database answers and takes writes.")
	retries := counter("database_retries_total", "Second attempts at statements of PostgreSQL, by reason.", "reason")
	waiting := gauge("mails_waiting", "Mails that wait to be sent by any replica, up to 10000, without those about incidents.")
	byClass := gauge("mails_waiting_by_class", "Mails that wait to be sent by any replica, up to 10000 of each class, in the order in which they are sent: urgent, normal, incident.", "class")
	notices := gauge("incident_notices_waiting", "Accounts that are to be told of an incident and whose mail is not written yet, up to 10000.")
	oldest := gauge("mail_oldest_timestamp_seconds", "When the oldest waiting mail was written. It is absent while no mail waits.")
	messages := gauge("webhook_messages_waiting", "Messages of webhooks that wait to be sent by any replica.")
	oldestMessage := gauge("webhook_oldest_timestamp_seconds", "When the event of the oldest waiting message happened. It is absent while none waits.")
	return group{[]measure{up, retries, waiting, oldest, byClass, notices, messages, oldestMessage}, func(out chan<- prometheus.Metric) {
		r := s.Operator.Retries()
		retries.to(out, float64(r.Conflicts), "conflict")
		retries.to(out, float64(r.Connections), "connection")
		retries.to(out, float64(r.Failovers), "failover")
		retries.to(out, float64(r.Statements), "statement")
		ctx, cancel := context.WithTimeout(context.Background(), databaseTime)
		defer cancel()
		ok := s.Operator.DatabaseUp(ctx)
		up.to(out, truth(ok))
		if !ok {
			return
		}
		if box, err := s.Notify.Outbox(ctx); err == nil {
			waiting.to(out, float64(box.Waiting))
			if !box.Oldest.IsZero() {
				oldest.to(out, float64(box.Oldest.Unix()))
			}
		}
		if classes, err := s.Notify.WaitingByClass(ctx); err == nil {
			for class, n := range classes {
				byClass.to(out, float64(n), string(class))
			}
		}
		if n, err := s.Notify.WaitingIncidents(ctx); err == nil {
			notices.to(out, float64(n))
		}
		if n, age, err := s.Webhooks.Waiting(ctx); err == nil {
			messages.to(out, float64(n))
			if n > 0 {
				oldestMessage.to(out, float64(s.Clock.Now().Add(-age).Unix()))
			}
		}
	}}
}
