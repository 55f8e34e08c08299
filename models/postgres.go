package models

import (
	"context"
	"database/sql"
	"errors"
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
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(inUTC))
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns) // fewer idle than open would dial anew under every burst
	pool.SetConnMaxIdleTime(10 * time.Minute)

	db, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: pool}), gormConfig(c))
	if err != nil {
		_ = pool.Close()
		return nil, errors.New("database: cannot set up the PostgreSQL pool")
	}
	return &Store{w: db, r: db, dialect: "postgres", pools: []*sql.DB{pool}, hot: newHotStatement("postgres", pool, c)}, nil
}
