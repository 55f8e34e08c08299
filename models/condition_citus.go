package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// staleTransaction is how old a transaction in two phases is that Citus should have ended long ago: it looks every minute.
const staleTransaction = 10 * time.Minute

// CitusCondition describes a Citus to an operator who looks for a fault.
type CitusCondition struct {
	Version     string   // of the extension
	Distributed bool     // the tables are laid out over the nodes: see Distribute
	Missing     []string // tables that have no place yet, although the others have
	Nodes       int      // those that take part, the coordinator with them
	Silent      []string // host:port of those that do not answer
	Stale       int      // transactions in two phases that were prepared more than 10 minutes ago, on all nodes: they hold rows
	Recovers    bool     // Citus ends those that a crash cut in two by itself
}

// Citus reads the condition of the Citus that the database belongs to. It changes nothing. It returns nil where the database has not
// the extension, and ErrUnavailable when the node that is asked does not answer, or waits too long for another.
func (s *Store) Citus(ctx context.Context) (*CitusCondition, error) {
	return s.citusCondition(ctx, staleTransaction)
}

func (s *Store) citusCondition(ctx context.Context, stale time.Duration) (*CitusCondition, error) {
	if s.dialect != "postgres" {
		return nil, nil
	}
	tx, err := s.pools[0].BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, wrapErr("ask Citus", err)
	}
	defer func() { _ = tx.Rollback() }()
	var c CitusCondition
	err = tx.QueryRowContext(ctx, "SELECT extversion, "+isDistributed+" FROM pg_extension WHERE extname = 'citus'").Scan(&c.Version, &c.Distributed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT current_setting('citus.recover_2pc_interval') <> '-1'").Scan(&c.Recovers)
	}
	if err == nil && c.Distributed {
		err = c.findMissing(ctx, tx)
	}
	if err == nil {
		err = c.askNodes(ctx, tx, stale)
	}
	return &c, wrapErr("ask Citus", err)
}

func (c *CitusCondition) findMissing(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT logicalrelid::regclass::text FROM pg_dist_partition")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	placed := map[string]bool{}
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		placed[table] = true
	}
	for _, p := range placements {
		if !placed[p.table] {
			c.Missing = append(c.Missing, p.table)
		}
	}
	return rows.Err()
}

// askNodes asks all nodes at once for transactions that were left behind.
func (c *CitusCondition) askNodes(ctx context.Context, tx *sql.Tx, stale time.Duration) error {
	if _, err := tx.ExecContext(ctx, "SET LOCAL citus.node_connection_timeout = '5s'"); err != nil {
		return err
	}
	ask := fmt.Sprintf("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database() AND prepared < now() - interval '%d seconds'", int(stale.Seconds()))
	rows, err := tx.QueryContext(ctx, "SELECT n.nodename, n.nodeport, a.success, a.result FROM run_command_on_all_nodes($1) a JOIN pg_dist_node n USING (nodeid) ORDER BY n.groupid", ask)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var host, result string
		var port, n int
		var answers bool
		if err := rows.Scan(&host, &port, &answers, &result); err != nil {
			return err
		}
		if c.Nodes++; !answers {
			c.Silent = append(c.Silent, net.JoinHostPort(host, strconv.Itoa(port)))
			continue
		}
		if n, err = strconv.Atoi(result); err != nil {
			return fmt.Errorf("the answer of %s: %w", host, err)
		}
		c.Stale += n
	}
	return rows.Err()
}
