package models

import (
	"context"

	"gorm.io/gorm"
)

// How the tables are laid out, as far as it is known.
const (
	layoutUnknown = iota
	layoutPlain   // one PostgreSQL, or SQLite
	layoutCitus
)

// onCitus reports whether the tables are distributed. It asks the database once, unless Migrate did.
func (s *Store) onCitus(ctx context.Context) (bool, error) {
	if s.dialect != "postgres" {
		return false, nil
	}
	if known := s.layout.Load(); known != layoutUnknown {
		return known == layoutCitus, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	var distributed bool
	if err := s.pools[0].QueryRowContext(ctx, "SELECT "+isDistributed).Scan(&distributed); err != nil {
		return false, wrapErr("find out how the tables are laid out", err)
	}
	s.setLayout(distributed)
	return distributed, nil
}

// isDistributed holds when the tables are distributed: then no index keeps addresses unique, see claimAddress.
const isDistributed = "to_regclass('users') IS NOT NULL AND to_regclass('users_email_key_key') IS NULL"

func (s *Store) setLayout(distributed bool) {
	if !distributed {
		s.layout.Store(layoutPlain)
		return
	}
	s.rotator.apart.Store(true) // a group would span shards, and be neither atomic nor bounded in its wait for a row
	s.layout.Store(layoutCitus)
}

type citusKey struct{}

// withLayout notes in ctx how the tables are laid out, for the functions that get a transaction only.
func (s *Store) withLayout(ctx context.Context) (context.Context, error) {
	citus, err := s.onCitus(ctx)
	if err == nil && citus {
		ctx = context.WithValue(ctx, citusKey{}, true)
	}
	return ctx, err
}

// isCitus reports whether the tables of a transaction are distributed.
func isCitus(tx *gorm.DB) bool { return tx.Statement.Context.Value(citusKey{}) != nil }
