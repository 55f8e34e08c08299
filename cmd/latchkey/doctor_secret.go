package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"latchkey/auth/services"
	"latchkey/models"
)

// errNoSecretYet: the database is new, and the first start makes the secret beside it.
var errNoSecretYet = errors.New("no secret yet")

// checkSecret finds the server secret as serve does, but makes none. With it, and with a current database, it makes the services.
func (d *doctor) checkSecret(ctx context.Context) {
	const check = "secret"
	if !d.readable {
		d.skip(check, "the settings could not be read")
		return
	}
	current, previous, err := d.settings.secrets(func() (bool, error) { return false, d.noSecretYet(ctx) })
	switch {
	case errors.Is(err, errNoSecretYet):
		d.ok(check, "none yet: the first latchkey serve makes it beside the database")
		return
	case err != nil:
		d.problem(check, err.Error(), "Bring the secret back from your copy. Without a database that needs one, make one with: openssl rand -base64 32")
		return
	}
	before := len(d.findings)
	d.checkSecretFile()
	if madeUp(current) || slices.ContainsFunc(previous, madeUp) {
		d.judgeMadeUp(ctx)
	}
	if len(d.findings) == before {
		says := fmt.Sprintf("there, %d bytes", len(current))
		if len(previous) > 0 {
			says += "; " + counted(len(previous), "previous one")
		}
		d.ok(check, says)
	}
	if d.store == nil || !d.current {
		return
	}
	config := d.settings.services()
	config.Secret, config.Previous, config.Issuer = current, previous, d.issuer()
	if d.services, err = services.New(d.store, config); err != nil {
		d.problem("settings", err.Error(), "The server does not start with it.")
	}
}

// noSecretYet returns errNoSecretYet when serve would make a secret.
func (d *doctor) noSecretYet(ctx context.Context) error {
	if _, err := os.Stat(d.secretFile()); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if d.store == nil {
		if _, err := models.DescribeSQLite(d.settings.database()); errors.Is(err, models.ErrNoDatabase) {
			return errNoSecretYet
		}
		return nil // there is one, which could not be opened
	}
	there, err := d.store.HasSchema(ctx)
	if err != nil || !there {
		return cmp.Or(err, errNoSecretYet)
	}
	rows, err := d.store.SigningKeys(ctx)
	if err != nil || len(rows) == 0 {
		return cmp.Or(err, errNoSecretYet)
	}
	return nil
}

// secretFile is where the secret lies, or "" when it is in a variable.
func (d *doctor) secretFile() string {
	path, embedded := strings.CutPrefix(d.settings.database(), "sqlite:")
	switch {
	case d.settings.SecretFile != "" || d.settings.Secret != "" || !embedded:
		return d.settings.SecretFile
	}
	return filepath.Join(filepath.Dir(path), "secret")
}

func (d *doctor) checkSecretFile() {
	path := d.secretFile()
	info, err := os.Stat(path)
	if path == "" || err != nil || models.OnlyOwnerEnters(filepath.Dir(path)) { // "" is in a variable
		return
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o022 != 0:
		d.problem("secret", fmt.Sprintf("other users of this machine may change %s (mode %04o)", path, mode), "chmod 600 "+path)
	case mode&0o044 != 0:
		d.warn("secret", fmt.Sprintf("other users of this machine may read %s (mode %04o), and so sign in as any user", path, mode),
			"chmod 600 "+path+", or keep it in a folder that only the server's user may enter.")
	}
}

// judgeMadeUp judges a secret that is not random as serve does: it refuses one as long as there is no account.
func (d *doctor) judgeMadeUp(ctx context.Context) {
	const says = "the server secret is not random: anyone who guesses it can sign in as any user"
	if d.store != nil && d.current {
		if users, err := d.store.CountUsers(ctx); err == nil && users > 0 {
			d.warn("secret", says, "Change it by way of LATCHKEY_SECRET_PREVIOUS.")
			return
		}
	}
	d.problem("secret", says, "Make one with: openssl rand -base64 32")
}
