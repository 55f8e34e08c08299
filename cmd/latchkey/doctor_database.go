package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/models"
)

const (
	leastFree  = 64 << 20 // bytes of a disk, below which writes soon fail
	enoughFree = 1 << 30  // bytes
	// clockDoubt and clockWrong are how far two clocks may differ before it matters to limits, codes and tokens.
	clockDoubt = time.Second
	clockWrong = 5 * time.Second
)

// checkDatabase opens the database without changing it.
func (d *doctor) checkDatabase(ctx context.Context) {
	const check = "database"
	if !d.readable {
		d.skip(check, "the settings could not be read")
		return
	}
	if strings.HasPrefix(d.settings.database(), "sqlite:") && !d.checkFile() {
		return
	}
	store, err := models.Open(ctx, models.Config{URL: d.settings.database(), Look: true, Conns: 4, Logger: d.env.logger()})
	if err != nil {
		d.problem(check, settingError("LATCHKEY_DATABASE", err).Error(), "Correct LATCHKEY_DATABASE, or bring the database back.")
		return
	}
	d.store = store
	condition, err := store.Condition(ctx)
	if err != nil {
		d.unusable(err)
		return
	}
	d.condition = condition
	d.judgeDatabase(condition)
}

// unusable says why the database does not serve, and forgets it.
func (d *doctor) unusable(err error) {
	do := "Start the database, and compare LATCHKEY_DATABASE with its host, port, name, user and password."
	switch {
	case models.IsPoolerFull(err):
		do = "PgBouncer had no free connection for this command: raise its default_pool_size, or lower LATCHKEY_DB_CONNS."
	case errors.Is(err, models.ErrForeignDatabase):
		do = "Make an empty database, and name it in LATCHKEY_DATABASE."
	case errors.Is(err, models.ErrNoTransactions), errors.Is(err, models.ErrNoStatements):
		do = "Change that setting. The section Poolers of OPERATIONS.md shows a whole configuration of PgBouncer."
	}
	d.problem("database", err.Error(), do)
	d.close()
	d.store = nil
}

// checkFile judges the file of an SQLite database, and reports whether it can be opened.
func (d *doctor) checkFile() bool {
	const check = "database"
	file, err := models.DescribeSQLite(d.settings.database())
	switch {
	case errors.Is(err, models.ErrNoDatabase):
		d.warn(check, err.Error()+" yet; the first latchkey serve makes one", "If the server has run before, LATCHKEY_DATABASE names another place.")
		return false
	case err != nil:
		d.problem(check, err.Error(), "Run latchkey doctor as the server's user, who must own the folder.")
		return false
	}
	if len(file.Shared) > 0 {
		d.warn(check, "other users of this machine may read or change "+strings.Join(file.Shared, ", "), "chmod go-rwx "+strings.Join(file.Shared, " "))
	}
	if len(file.Locked) > 0 {
		d.problem(check, "this user may not write "+strings.Join(file.Locked, ", "), "Run latchkey doctor as the server's user. If you did, give the files to it with chown.")
	}
	const do = "Free space on the disk, or move the database to a larger one."
	switch mib := file.Free >> 20; {
	case file.Free < 0:
	case file.Free < leastFree:
		d.problem(check, fmt.Sprintf("its disk has %d MiB left: soon no write succeeds", mib), do)
	case file.Free < max(enoughFree, file.Size):
		d.warn(check, fmt.Sprintf("its disk has %d MiB left, and the database has %d MiB", mib, file.Size>>20), do)
	}
	return true
}

func (d *doctor) judgeDatabase(c models.Condition) {
	const check = "database"
	name := map[string]string{"sqlite": "SQLite ", "postgres": "PostgreSQL "}[d.store.Dialect()] + c.Version
	if c.Pooled {
		name += " behind a pooler"
	}
	if c.ReadOnly {
		d.problem(check, name+" is read-only: a standby, or set so", "Name the primary in LATCHKEY_DATABASE, or all servers, separated by commas.")
	}
	if conns := d.settings.DBConns; c.Most > 0 && conns > c.Most {
		d.warn(check, fmt.Sprintf("%s allows %s, and LATCHKEY_DB_CONNS says %d", name, counted(c.Most, "connection"), conns),
			"Lower LATCHKEY_DB_CONNS, or raise max_connections or the limit of the role or database.")
	}
	switch {
	case c.Applied > c.Known:
		d.problem(check, fmt.Sprintf("%s: its schema is version %d, newer than the %d of this program", name, c.Applied, c.Known),
			"Install the release that made it, or a later one; or restore a backup from before the upgrade.")
	case c.Applied == 0:
		d.warn(check, name+" has no tables yet; the first latchkey serve makes them", "If the server has run before, LATCHKEY_DATABASE names another database.")
	case c.Pending > 0:
		d.warn(check, fmt.Sprintf("%s: its schema is older than this program: %s to apply", name, counted(c.Pending, "migration")),
			"Back the database up. Then latchkey migrate applies them, and so does latchkey serve.")
	default:
		d.current = true
		d.ok(check, fmt.Sprintf("%s answers; its schema is current (%d)", name, c.Applied))
	}
}

// checkClock compares the clock of this machine with that of PostgreSQL.
func (d *doctor) checkClock(context.Context) {
	const check = "clock"
	switch {
	case d.store == nil:
		d.skip(check, "the database could not be asked for its time")
		return
	case d.store.Dialect() == "sqlite":
		d.ok(check, "SQLite has none of its own")
		return
	}
	c := d.condition
	const do = "Set the clocks of both machines by NTP (timedatectl)."
	than := "ahead of"
	if c.Ahead < 0 {
		than = "behind"
	}
	says := fmt.Sprintf("the database's clock is %s %s this machine's", c.Ahead.Abs().Round(time.Millisecond), than)
	switch apart := c.Ahead.Abs() - c.Within; {
	case apart > clockWrong:
		d.problem(check, says, do)
	case apart > clockDoubt:
		d.warn(check, says, do)
	default:
		d.ok(check, fmt.Sprintf("the database's and this machine's agree within %s", (c.Ahead.Abs()+c.Within).Truncate(time.Millisecond)+time.Millisecond))
	}
}
