package models

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// slowStatement is when a statement is worth a line in the log.
const slowStatement = time.Second

// gormConfig: nothing is wrapped into a transaction that we did not ask for, and the database is not asked anything
// when the pool opens. gorm prepares nothing: its cache is shared by all callers, so that whoever waits for a
// connection to prepare on and whoever holds the last one wait for each other, a caller who hangs up fails the
// others, and a column added meanwhile fails them all for good. pgx prepares once for each connection by itself.
func gormConfig(c Config) *gorm.Config {
	withoutValues()
	return &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 statementLog{c.Logger, c.OnStatement},
	}
}

// withoutValues keeps values out of the statements that gorm's Scan writes out by a recorder of its own, which asks no
// logger but this variable.
var withoutValues = sync.OnceFunc(func() {
	logger.RecorderParamsFilter = func(_ context.Context, sql string, _ ...any) (string, []any) { return sql, nil }
})

// statementLog is gorm's logger. It names slow statements without their values (e-mail addresses and hashes are
// among them) and leaves errors to whoever receives them.
type statementLog struct {
	log *slog.Logger
	on  func(sql string)
}

func (l statementLog) LogMode(logger.LogLevel) logger.Interface { return l }
func (l statementLog) Info(context.Context, string, ...any)     {}
func (l statementLog) Warn(context.Context, string, ...any)     {}
func (l statementLog) Error(context.Context, string, ...any)    {}
func (l statementLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

func (l statementLog) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	took := time.Since(begin)
	if l.on == nil && (l.log == nil || took < slowStatement) {
		return
	}
	sql, _ := statement()
	if l.on != nil {
		l.on(sql)
	}
	if l.log != nil && took >= slowStatement {
		l.log.WarnContext(ctx, "slow statement", "took", took.Round(time.Millisecond), "sql", sql)
	}
}
