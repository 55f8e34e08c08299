package main

import (
	"context"
	"fmt"
	"strings"

	"latchkey/models"
)

// checkCitus looks at the nodes over which the tables lie. Of a database without the extension it says nothing.
func (d *doctor) checkCitus(ctx context.Context) {
	if d.store == nil {
		return
	}
	switch c, err := d.store.Citus(ctx); {
	case err != nil:
		d.problem("citus", err.Error(), "Look at the nodes: SELECT * FROM citus_check_cluster_node_health().")
	case c != nil:
		d.judgeCitus(*c)
	}
}

func (d *doctor) judgeCitus(c models.CitusCondition) {
	const check = "citus"
	name, before := "Citus "+c.Version, len(d.findings)
	if !c.Distributed {
		d.warn(check, name+" is there, and the tables are not laid out over its nodes", "Stop every server, and run latchkey migrate --distribute once.")
	}
	if len(c.Missing) > 0 {
		d.problem(check, name+" has no place for "+strings.Join(c.Missing, ", "), "Run latchkey migrate --distribute.")
	}
	if len(c.Silent) > 0 {
		d.problem(check, fmt.Sprintf("of its %s these do not answer: %s", counted(c.Nodes, "node"), strings.Join(c.Silent, ", ")),
			"Start them, or their standbys. Accounts that lie there can neither sign in nor refresh.")
	}
	if c.Stale > 0 {
		d.problem(check, counted(c.Stale, "transaction")+" in two phases, prepared more than 10 minutes ago, have not ended: the accounts whose rows they lock wait",
			"On the coordinator a superuser calls SELECT recover_prepared_transactions(). If some stay, pg_prepared_xacts shows whose they are.")
	}
	if !c.Recovers {
		d.warn(check, "citus.recover_2pc_interval is -1: transactions that a crash cuts in two keep their rows locked until an operator ends them", "Set it to 1min, its default.")
	}
	if len(d.findings) == before {
		d.ok(check, fmt.Sprintf("%s: the tables are laid out over %s, and all of them answer", name, counted(c.Nodes, "node")))
	}
}
