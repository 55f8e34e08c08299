package main

import (
	"errors"
	"fmt"
	"time"

	"latchkey/models"
)

type migrateCommand struct {
	Status     bool `help:"Show where the schema stands, and change nothing."`
	Distribute bool `help:"Lay the tables out over the nodes of Citus, too. Stop every server first."`
}

// Run migrates.
func (c *migrateCommand) Run(env *environment) error {
	store, err := env.openStore(c.Status)
	if errors.Is(err, models.ErrNoDatabase) { // then everything is pending, and stays so
		list, err := models.PendingSQLite()
		if err != nil {
			return err
		}
		env.showMigrations(list)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := store.CheckPooler(env.ctx); err != nil {
		return settingError("LATCHKEY_DATABASE", err)
	}
	if c.Status {
		list, err := store.Migrations(env.ctx)
		if err != nil {
			return settingError("LATCHKEY_DATABASE", err)
		}
		env.showMigrations(list)
		return nil
	}
	if err := env.migrate(store); err != nil || !c.Distribute {
		return err
	}
	return env.distribute(store)
}

// migrate brings the schema up to date and names the database. With settings that differ from the server's, it would be another database.
func (e *environment) migrate(store *models.Store) error {
	there, lookErr := store.HasSchema(e.ctx)
	applied, err := store.Migrate(e.ctx)
	if err != nil {
		return settingError("LATCHKEY_DATABASE", err)
	}
	place := models.Place(e.settings.database())
	if applied == 0 {
		fmt.Fprintf(e.stdout, "The schema is up to date (%s).\n", place)
		return nil
	}
	if lookErr == nil && !there {
		place = "new " + place
	}
	fmt.Fprintf(e.stdout, "Applied %s to the %s.\n", counted(applied, "migration"), place)
	return nil
}

// distribute lays the tables out over the nodes of Citus, and says what it did.
func (e *environment) distribute(store *models.Store) error {
	did, err := store.Distribute(e.ctx)
	if err != nil {
		return settingError("LATCHKEY_DATABASE", err)
	}
	for _, line := range did {
		fmt.Fprintln(e.stdout, line)
	}
	if len(did) == 0 {
		fmt.Fprintln(e.stdout, "Every table lies where it should.")
	}
	return nil
}

func (e *environment) showMigrations(list []models.Migration) {
	for _, m := range list {
		applied := "pending"
		if !m.AppliedAt.IsZero() {
			applied = m.AppliedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(e.stdout, "%04d  %-20s  %s\n", m.Version, applied, m.Name)
	}
}
