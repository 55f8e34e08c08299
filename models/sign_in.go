package models

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// SignInQuestion holds what a sign-in reads from the database before it hashes a password. Empty values of Browser, Network and JKT
// match no account.
type SignInQuestion struct {
	EmailKey string // folded
	ClientID string
	Keys     [][]byte // of counters
	At       time.Time

	Browser, Network []byte    // origins of the caller
	KnownSince       time.Time // an origin that the account did not sign in from after this is not known
	JKT              string    // thumbprint of the caller's proven key (RFC 9449)
}

// SignInFacts is the result of reading a SignInQuestion.
type SignInFacts struct {
	User     User // the zero User when the address has no account
	Allowed  bool // the app may sign in: it is registered, or no app is that signs people in by itself
	Counters []Counter
	// The caller's browser or network is a known origin of the account; its key is that of a live device of the account.
	KnownBrowser, KnownNetwork, KnownKey bool
}

// SignInFacts reads in one statement the account of a folded address, whether it knows the caller, whether the app may sign in, and
// the counters whose window is not over. An address without an account is not an error and takes the same work.
func (s *Store) SignInFacts(ctx context.Context, q SignInQuestion) (SignInFacts, error) {
	var rows []struct {
		User                                 `gorm:"embedded"`
		Allowed                              bool
		KnownBrowser, KnownNetwork, KnownKey bool
		Counter                              Counter `gorm:"embedded;embeddedPrefix:counter_"`
	}
	if citus, err := s.onCitus(ctx); err != nil || citus {
		if err != nil {
			return SignInFacts{}, err
		}
		return s.citusSignInFacts(ctx, q)
	}
	at, since := dbTime(q.At), dbTime(q.KnownSince)
	err := s.read(ctx).Raw(`SELECT u.*, NOT EXISTS (SELECT 1 FROM clients WHERE `+signsInByItself+`) OR EXISTS (SELECT 1 FROM clients WHERE id = ?) AS allowed,
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

// nonNil returns bytes as a parameter that is not NULL. No account has the empty origin, no secret the empty hash.
func nonNil(b []byte) []byte { return append([]byte{}, b...) }

// Found reports whether the address has an account.
func (f *SignInFacts) Found() bool { return f.User.ID != uuid.Nil }
