package models

import (
	"context"
)

// citusSignInFacts is SignInFacts in statements that each ask one shard: which account has the address, what its own shard knows of the caller,
// and what the coordinator counts. Without an account they ask the shard of an id that no account has.
func (s *Store) citusSignInFacts(ctx context.Context, q SignInQuestion) (facts SignInFacts, err error) {
	const attempted = "find what a sign-in needs"
	id, err := s.ownerOf(ctx, "addresses", "email_key", q.EmailKey)
	if err != nil {
		return facts, err
	}
	var rows []struct {
		User                                 `gorm:"embedded"`
		KnownBrowser, KnownNetwork, KnownKey bool
	}
	at, since := dbTime(q.At), dbTime(q.KnownSince)
	err = s.read(ctx).Raw(`SELECT u.*, b.place IS NOT NULL AS known_browser, n.place IS NOT NULL AS known_network,
			EXISTS (SELECT 1 FROM devices d WHERE d.user_id = u.id AND d.user_id = ? AND d.jkt = ? AND d.jkt <> '' AND d.revoked_at IS NULL AND d.expires_at > ?) AS known_key
		FROM users u LEFT JOIN known_places b ON b.user_id = u.id AND b.place = ? AND b.last_at > ?
			LEFT JOIN known_places n ON n.user_id = u.id AND n.place = ? AND n.last_at > ?
		WHERE u.id = ? AND u.email_key = ?`,
		id, q.JKT, at, nonNil(q.Browser), since, nonNil(q.Network), since, id, q.EmailKey).Scan(&rows).Error
	if err != nil {
		return facts, wrapErr(attempted, err)
	}
	if len(rows) > 0 {
		facts = SignInFacts{User: rows[0].User, KnownBrowser: rows[0].KnownBrowser, KnownNetwork: rows[0].KnownNetwork, KnownKey: rows[0].KnownKey}
	}
	err = s.read(ctx).Raw(`SELECT NOT EXISTS (SELECT 1 FROM clients WHERE `+signsInByItself+`) OR EXISTS (SELECT 1 FROM clients WHERE id = ?)`, q.ClientID).
		Scan(&facts.Allowed).Error
	if err != nil {
		return facts, wrapErr(attempted, err)
	}
	facts.Counters, err = s.Counters(ctx, q.Keys, q.At)
	return facts, err
}
