package main

import (
	"errors"
	"fmt"

	"latchkey/models"
)

type backupCommand struct {
	File string `arg:"" help:"Where to write the copy: a new file."`
}

// Run copies the database.
func (c *backupCommand) Run(env *environment) error {
	store, err := env.openStore(true)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := env.needSchema(store); err != nil {
		return err
	}
	size, version, err := store.Backup(env.ctx, c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "Wrote and checked %s (%d bytes, schema %04d). Keep the server secret apart from it: it opens with the secret of today only.\n", c.File, size, version)
	return nil
}

type restoreCommand struct {
	File    string `arg:"" help:"A copy that backup made."`
	Replace bool   `help:"Put it in the place of the present database, which is kept under another name."`
}

// Run puts a copy back.
func (c *restoreCommand) Run(env *environment) error {
	if err := env.settings.readFiles(); err != nil {
		return err
	}
	former, err := models.RestoreSQLite(env.ctx, env.settings.database(), c.File, c.Replace)
	if errors.Is(err, models.ErrDatabaseThere) {
		err = fmt.Errorf("%w: with --replace the copy takes its place, and it is kept under another name", err)
	}
	if err != nil {
		return err
	}
	if former != "" {
		fmt.Fprintf(env.stdout, "The database that was there is kept as %s.\n", former)
	}
	fmt.Fprintf(env.stdout, "Restored %s. What happened since it was made is undone: a device that was signed out since is signed in again, and former passwords, apps, secrets and roles count again. "+
		"To be safe, run `latchkey user sign-out --all` before you start the server.\n", c.File)
	return nil
}
