package models

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// SignInFacts is what is asked of the database before a password is hashed.
type SignInFacts struct {
	User     User // the zero User when the address has no account
	Allowed  bool // the app may sign in: it is registered, or none is
	Attempts []Attempt
}

// SignInFacts reads, in one statement, the account of a folded address, whether an app may sign in, and the counters of the given
// keys whose window began after since. An address without an account is no error, and costs the same.
func (s *Store) SignInFacts(ctx context.Context, emailKey, clientID string, keys [][]byte, since time.Time) (SignInFacts, error) {
	var rows []struct {
		User    `gorm:"embedded"`
		Allowed bool
		Attempt Attempt `gorm:"embedded;embeddedPrefix:attempt_"`
	}
	err := s.read(ctx).Raw(`SELECT u.*, NOT EXISTS (SELECT 1 FROM clients) OR EXISTS (SELECT 1 FROM clients WHERE id = ?) AS allowed,
			a.key AS attempt_key, a.window_start AS attempt_window_start, a.count AS attempt_count
		FROM (SELECT 1 AS one) AS always LEFT JOIN users u ON u.email_key = ? LEFT JOIN attempts a ON a.key IN ? AND a.window_start > ?`,
		clientID, emailKey, keys, moment(since)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return SignInFacts{}, fault("find what a sign-in needs", err)
	}
	facts := SignInFacts{User: rows[0].User, Allowed: rows[0].Allowed}
	for _, row := range rows {
		if row.Attempt.Key != nil {
			facts.Attempts = append(facts.Attempts, row.Attempt)
		}
	}
	return facts, nil
}

// Found tells whether the address has an account.
func (f *SignInFacts) Found() bool { return f.User.ID != uuid.Nil }
