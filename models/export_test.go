package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
)

// For tests of how names are compared.
var (
	LookAlikes  = lookAlikes
	Confusables = confusables
)

// PlacedTables are the tables that have a place on Citus.
func PlacedTables() (list []string) {
	for _, p := range placements {
		list = append(list, p.table)
	}
	return list
}

// For the test of what SECURITY.md says.
const (
	MaxKnownOrigins    = oldestOrigins + latestOrigins
	MaxWaysBack        = maxWaysBack
	MaxEnded           = maxEnded
	MaxTrustedBrowsers = maxTrustedBrowsers
	MaxResetsAfresh    = maxCountedResets
)

// Alike tells whether a device may not have the name b beside one that has a.
func Alike(a, b string) bool { return held{{ID: uuid.Max, Name: a}}.taken(uuid.Nil)(b) }

// CitusCondition is Citus, with the age from which on a transaction in two phases counts as stale.
func (s *Store) CitusCondition(ctx context.Context, stale time.Duration) (*CitusCondition, error) {
	return s.citusCondition(ctx, stale)
}

// WrapErr is for tests of errors that no method of this package causes.
var WrapErr = wrapErr

// WithRetries is for tests of errors that the servers on this machine do not return.
var WithRetries = new(retrier).withRetries

// PoolSettings returns the settings of a pool of PostgreSQL connections for a URL, which must not change them.
func PoolSettings(url string) (life, jitter time.Duration, most int32, err error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return 0, 0, 0, err
	}
	p, err := newPool(config, 7, newPooler(config.ConnConfig, nil))
	if err != nil {
		return 0, 0, 0, err
	}
	defer p.conn.Close()
	made := p.conn.Config()
	return made.MaxConnLifetime, made.MaxConnLifetimeJitter, made.MaxConns, nil
}

// RaiseProof is what ConfirmApp does to the app's row.
func (s *Store) RaiseProof(ctx context.Context, key DeviceKey, method SignInMethod, at time.Time) error {
	return wrapErr("raise proof", s.write(ctx, func(db *gorm.DB) error { return raiseProof(db, key, method, at) }))
}

// TellOfIncident is what a transaction that ends devices does for the mails about an incident.
func (s *Store) TellOfIncident(ctx context.Context, t IncidentText, list ...IncidentNotice) error {
	return wrapErr("tell of incident", s.tx(ctx, func(tx *gorm.DB) error {
		if err := addIncidentText(tx, t); err != nil {
			return err
		}
		return addIncidentNotices(tx, list)
	}))
}

// EndsConsents reports whether the end of a device for a reason ends the consents of its client.
func EndsConsents(r EndReason) bool { return r.endsConsents() }
