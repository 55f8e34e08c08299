package models

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// For tests of how names are compared.
var (
	LookAlikes  = lookAlikes
	Confusables = confusables
)

// WrapErr is for tests of errors that no act of this package makes.
var WrapErr = wrapErr

// WithRetries is for tests of errors that this machine's servers do not word in that way.
var WithRetries = withRetries

// PoolSettings are those with which a pool of PostgreSQL connections would be made, however the URL says otherwise.
func PoolSettings(url string) (life, jitter time.Duration, most int32, err error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return 0, 0, 0, err
	}
	p, err := newPool(config, 7, &pooler{})
	if err != nil {
		return 0, 0, 0, err
	}
	defer p.conn.Close()
	made := p.conn.Config()
	return made.MaxConnLifetime, made.MaxConnLifetimeJitter, made.MaxConns, nil
}
