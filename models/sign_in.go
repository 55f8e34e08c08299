package models

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// SignInQuestion is what is asked of the database before a password is hashed. Of the last four, those that are empty are known to
// no account.
type SignInQuestion struct {
	EmailKey string // folded
	ClientID string
	Keys     [][]byte // of counters
	At       time.Time

	Browser, Network []byte    // places of the caller
	KnownSince       time.Time // a place that the account did not sign in from after this is forgotten
	JKT              string    // thumbprint of a key that the caller proved
}

// SignInFacts is the answer.
type SignInFacts struct {
	User     User // the zero User when the address has no account
	Allowed  bool // the app may sign in: it is registered, or none is
	Counters []Counter
	// The account knows the caller's browser, network, or key: that of one of its live devices.
	KnownBrowser, KnownNetwork, KnownKey bool
}

// SignInFacts reads, in one statement, the account of a folded address, how it knows the caller, whether an app may sign in, and
// the counters whose window is not over. An address without an account is no error, and costs the same.
func (s *Store) SignInFacts(ctx context.Context, q SignInQuestion) (SignInFacts, error) {
	var rows []struct {
		User                                 `gorm:"embedded"`
		Allowed                              bool
		KnownBrowser, KnownNetwork, KnownKey bool
		Counter                              Counter `gorm:"embedded;embeddedPrefix:counter_"`
	}
	at, since := dbTime(q.At), dbTime(q.KnownSince)
	err := s.read(ctx).Raw(`SELECT u.*, NOT EXISTS (SELECT 1 FROM clients) OR EXISTS (SELECT 1 FROM clients WHERE id = ?) AS allowed,
			b.place IS NOT NULL AS known_browser, n.place IS NOT NULL AS known_network,
			EXISTS (SELECT 1 FROM devices d WHERE d.user_id = u.id AND d.jkt = ? AND d.jkt <> '' AND d.revoked_at IS NULL AND d.expires_at > ?) AS known_key,
			a.key AS counter_key, a.window_start AS counter_window_start, a.ends_at AS counter_ends_at, a.count AS counter_count
		FROM (SELECT 1 AS one) AS always LEFT JOIN users u ON u.email_key = ?
			LEFT JOIN known_places b ON b.user_id = u.id AND b.place = ? AND b.last_at > ?
			LEFT JOIN known_places n ON n.user_id = u.id AND n.place = ? AND n.last_at > ?
			LEFT JOIN attempts a ON a.key IN ? AND a.ends_at > ? AND a.window_start <= ?`,
		q.ClientID, q.JKT, at, q.EmailKey, nonNil(q.Browser), since, nonNil(q.Network), since, q.Keys, at, dbTime(q.At.Add(counterClockError))).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return SignInFacts{}, wrapErr("find what a sign-in needs", err)
	}
	first := rows[0]
	facts := SignInFacts{
		User: first.User, Allowed: first.Allowed, KnownBrowser: first.KnownBrowser, KnownNetwork: first.KnownNetwork, KnownKey: first.KnownKey,
	}
	for _, row := range rows {
		if row.Counter.Key != nil {
			facts.Counters = append(facts.Counters, row.Counter)
		}
	}
	return facts, nil
}

// nonNil is a place as a parameter; an empty one, which no account has, for none.
func nonNil(place []byte) []byte { return append([]byte{}, place...) }

// Found reports whether the address has an account.
func (f *SignInFacts) Found() bool { return f.User.ID != uuid.Nil }
