package main

import (
	"fmt"
	"time"
)

type migrateCommand struct {
	Status bool `help:"Show where the schema stands, and change nothing."`
}

// Run migrates.
func (c *migrateCommand) Run(env *environment) error {
	store, err := env.openStore()
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if c.Status {
		list, err := store.Migrations(env.ctx)
		if err != nil {
			return settingError("LATCHKEY_DATABASE", err)
		}
		for _, m := range list {
			applied := "pending"
			if !m.AppliedAt.IsZero() {
				applied = m.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(env.stdout, "%04d  %-20s  %s\n", m.Version, applied, m.Name)
		}
		return nil
	}
	applied, err := store.Migrate(env.ctx)
	if err != nil {
		return settingError("LATCHKEY_DATABASE", err)
	}
	if applied == 0 {
		fmt.Fprintln(env.stdout, "The schema is up to date.")
		return nil
	}
	fmt.Fprintf(env.stdout, "Applied %s.\n", counted(applied, "migration"))
	return nil
}
