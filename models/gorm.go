package models

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// slowStatement is how long a statement may take before it is logged.
const slowStatement = time.Second

// gormConfig turns off gorm's own transactions and its ping when the pool opens. It also leaves gorm's cache of prepared statements
// off, because all callers share it: a caller that waits for a connection to prepare on can deadlock with the one that holds the
// last connection, a caller that hangs up fails the others, and after a column is added every call fails. pgx prepares statements
// for each connection itself.
func gormConfig(c Config) *gorm.Config {
	withoutValues()
	return &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 statementLog{c.Logger, c.OnStatement},
	}
}

// withoutValues keeps values out of logged statements. gorm's Scan formats statements with a recorder of its own, which uses this
// variable and not the logger's ParamsFilter.
var withoutValues = sync.OnceFunc(func() {
	logger.RecorderParamsFilter = func(_ context.Context, sql string, _ ...any) (string, []any) { return sql, nil }
})

// statementLog is gorm's logger. It logs slow statements without their values, which include e-mail addresses and hashes. It does
// not log errors: the caller does.
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
