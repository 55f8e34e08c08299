package models

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
)

func openPostgres(c Config) (*Store, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, errors.New("database: the postgres:// URL cannot be read") // the error would repeat the URL, and its password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 3 * time.Second
	}
	// Fewer statements than by default (512 and 512 more): each connection keeps room for as many as it is told.
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 128, 0
	config.RuntimeParams["timezone"] = "UTC"
	if _, set := config.RuntimeParams["application_name"]; !set {
		config.RuntimeParams["application_name"] = "latchkey"
	}
	// A reader that hangs up cancels its statement; by default pgx would throw the connection away instead.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, CancelRequestDelay: 50 * time.Millisecond, DeadlineDelay: 2 * time.Second}
	}
	inUTC := func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	conns := c.Conns
	if conns <= 0 {
		conns = 16
	}
	forGroups := min(groupLanes, conns/4)
	pool := newPool(*config, conns-forGroups, inUTC)
	// A parameter of the connection, not a statement: a pooler that shares sessions between clients must refuse it, not spread it.
	forLanes := config.Copy()
	forLanes.RuntimeParams["lock_timeout"] = strconv.FormatInt(groupLockWait.Milliseconds(), 10)
	lanes := newPool(*forLanes, forGroups, inUTC)

	db, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: pool}), gormConfig(c))
	if err != nil {
		_ = errors.Join(pool.Close(), lanes.Close())
		return nil, errors.New("database: cannot set up the PostgreSQL pool")
	}
	return &Store{
		w: db, r: db, dialect: "postgres", pools: []*sql.DB{pool, lanes}, rotations: newPostgresRotations(pool, lanes, forGroups, c.OnStatement),
	}, nil
}

// groupLanes is how many groups of rotations are on their way at a time, each on a connection of its own.
const groupLanes = 2

func newPool(config pgx.ConnConfig, conns int, ready func(context.Context, *pgx.Conn) error) *sql.DB {
	pool := stdlib.OpenDB(config, stdlib.OptionAfterConnect(ready))
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns) // fewer idle than open would dial anew under every burst
	pool.SetConnMaxIdleTime(10 * time.Minute)
	return pool
}
