package models

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
)

func openPostgres(c Config) (*Store, error) {
	config, err := postgresConfig(c.URL)
	if err != nil {
		return nil, err
	}
	conns := c.Conns
	if conns <= 0 {
		conns = 16
	}
	forRefreshes := min(refreshConns, conns/4)
	between := newPooler(config.ConnConfig, c.Logger)
	mainPool, err := newPool(config, conns-forRefreshes, between)
	if err != nil {
		return nil, err
	}
	refreshPool, err := newPool(config, max(1, forRefreshes), between)
	if err != nil {
		_ = mainPool.close()
		return nil, err
	}
	again := new(retrier)
	db, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: retryPool{mainPool.db, again}}), gormConfig(c))
	if err != nil {
		_ = errors.Join(mainPool.close(), refreshPool.close())
		return nil, errors.New("database: cannot set up the PostgreSQL pool")
	}
	rotator := newPostgresRotator(&postgresRotations{pool: mainPool.db, batches: refreshPool.db, onStatement: c.OnStatement, retrier: again}, forRefreshes)
	return &Store{
		w: db, r: db, dialect: "postgres", pooler: between, pools: []*sql.DB{mainPool.db, refreshPool.db}, rotator: rotator, retrier: again,
		stats: []func() PoolStats{mainPool.stats("main"), refreshPool.stats("refresh")}, closers: []func() error{mainPool.close, refreshPool.close},
	}, nil
}

// refreshConns is how many batches of rotations are in flight at a time, each on a connection of its own.
const refreshConns = 2

// connectTime is how long a connection to one server may take, unless the URL has connect_timeout. Of several servers the next one
// is tried then.
const connectTime = 2 * time.Second

// postgresConfig parses the URL. No error repeats it, because it holds a password.
func postgresConfig(text string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, refusedURL(text)
	}
	query := queryOf(text)
	for name := range query {
		if strings.HasPrefix(name, "pool_") {
			return nil, fmt.Errorf("database: %s is no setting here: LATCHKEY_DB_CONNS says how many connections there are", name)
		}
	}
	conn := config.ConnConfig
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTime
	}
	setStatementCaches(conn)
	conn.RuntimeParams["timezone"] = "UTC"
	if _, set := conn.RuntimeParams["application_name"]; !set {
		conn.RuntimeParams["application_name"] = "latchkey"
	}
	// Of several servers use only one that accepts writes. After a failover the others answer too.
	if !query.Has("target_session_attrs") && severalHosts(conn) {
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	// When a reader hangs up, cancel its statement. By default pgx would close the connection.
	conn.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, CancelRequestDelay: 50 * time.Millisecond, DeadlineDelay: 2 * time.Second}
	}
	return config, nil
}

// setStatementCaches gives every mode of pgx the cache that it needs. The caches are smaller than the default of 512, because each
// connection allocates its full capacity. statement_cache_capacity=0 turns off named prepared statements.
func setStatementCaches(conn *pgx.ConnConfig) {
	const most = 128
	conn.StatementCacheCapacity = min(conn.StatementCacheCapacity, most)
	conn.DescriptionCacheCapacity = min(conn.DescriptionCacheCapacity, most)
	if conn.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement && conn.StatementCacheCapacity <= 0 {
		conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if conn.DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe && conn.DescriptionCacheCapacity <= 0 {
		conn.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	}
	if conn.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		conn.StatementCacheCapacity = 0
	}
	if conn.DefaultQueryExecMode != pgx.QueryExecModeCacheDescribe {
		conn.DescriptionCacheCapacity = 0
	}
}

// refusedURL returns the error for a URL that pgx cannot parse. It names the wrong parameter when that is one which operators set
// for a pooler.
func refusedURL(text string) error {
	query := queryOf(text)
	if mode := query.Get("default_query_exec_mode"); query.Has("default_query_exec_mode") {
		switch mode {
		case "cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol":
		default:
			return errors.New("database: default_query_exec_mode must be cache_statement, cache_describe, describe_exec, exec or simple_protocol")
		}
	}
	for _, name := range []string{"statement_cache_capacity", "description_cache_capacity"} {
		if _, err := strconv.ParseInt(query.Get(name), 10, 32); query.Has(name) && err != nil {
			return fmt.Errorf("database: %s must be a number", name)
		}
	}
	return errors.New("database: the postgres:// URL cannot be read")
}

// queryOf returns the parameters of a URL, or none when they cannot be parsed. It skips the hosts, because net/url accepts only
// one.
func queryOf(text string) url.Values {
	_, query, _ := strings.Cut(text, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return url.Values{}
	}
	return values
}

func severalHosts(conn *pgx.ConnConfig) bool {
	first := net.JoinHostPort(conn.Host, strconv.Itoa(int(conn.Port)))
	for _, next := range conn.Fallbacks { // when TLS is optional, the same host occurs again
		if net.JoinHostPort(next.Host, strconv.Itoa(int(next.Port))) != first {
			return true
		}
	}
	return false
}
