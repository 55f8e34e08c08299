package services_test

import (
	"context"
	"fmt"
	"time"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/browser"
	"latchkey/auth/device"
	"latchkey/auth/devicetoken"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// signIn makes a device, which is sometimes bound to a key.
func (w *forkWorld) signIn(user int, ip string, bound bool) {
	var key *prover
	if bound {
		key = w.owners
	}
	answer, err := w.SignIn.Login(w.t.Context(), signin.LoginRequest{
		Email: w.emails[user], Password: w.passwords[user], DeviceName: "phone", Proof: key.proof(w.forkBench), From: at(ip),
	})
	if err != nil {
		w.rt.Fatalf("sign in: %v", err)
	}
	w.retire(user)
	token, err := w.codec.Parse(answer.RefreshToken)
	if err != nil || token.Generation != 1 {
		w.rt.Fatalf("the token of a sign-in: %+v, %v", token, err)
	}
	now := w.now()
	row := newForkRow(now, now.Add(w.config.DeviceLifetime), ip, w.config.MaxRefreshes)
	row.jkt = key.jkt()
	w.signIns++
	d := &forkDevice{
		user: user, order: w.signIns, key: models.DeviceKey{UserID: token.UserID, ID: token.DeviceID}, secret: token.Secret, client: 1, bound: bound, signedIn: now,
		forkPast: forkPast{row: &row, line: lineage{parent: map[int64]int64{1: 0}, used: map[int64]int64{}, newest: 1, seen: now, from: ip, issued: now}},
	}
	w.devices = append(w.devices, d)
}

// retire does what every sign-in does first to the user's devices that have ended.
func (w *forkWorld) retire(user int) {
	for _, d := range w.devices {
		if d.user == user && d.row != nil {
			d.row.retire(w.now(), w.config.DeviceIdle)
		}
	}
}

// signOut marks devices as revoked in the model. After that, no request with them may succeed.
func (w *forkWorld) signOut(reason models.EndReason, these ...*forkDevice) {
	for _, d := range these {
		if d.row == nil {
			continue
		}
		if d.row.revoked == "" {
			d.row.revoked = reason
		}
		d.signed = true
	}
}

// forkRevocations are the ways in which an owner or an operator signs devices out. d is the device that they mean.
var forkRevocations = map[string]func(w *forkWorld, d *forkDevice) error{
	"portal": func(w *forkWorld, d *forkDevice) error {
		return w.onThePortal(d.user, func(ctx context.Context, by *browser.Session) error {
			_, err := w.Devices.Revoke(ctx, by, d.key.ID.String(), at(forkHome))
			if d.row == nil && auth.AsError(err).Kind == auth.KindNotFound {
				return nil
			}
			w.signOut(models.RevokedByOwner, d)
			return err
		})
	},
	"others": func(w *forkWorld, d *forkDevice) error {
		return w.onThePortal(d.user, func(ctx context.Context, by *browser.Session) error {
			_, err := w.Devices.RevokeOthers(ctx, by, at(forkHome))
			w.signOut(models.RevokedByOwner, w.of(d.user)...)
			return err
		})
	},
	"password": func(w *forkWorld, d *forkDevice) error {
		return w.onThePortal(d.user, func(ctx context.Context, by *browser.Session) error {
			next := w.nextPassword()
			_, err := w.Accounts.ChangePassword(ctx, by, account.PasswordChange{Confirmation: confirmed(w.passwords[d.user], at(forkHome)), New: next})
			w.passwords[d.user] = next
			w.signOut(models.RevokedByPassword, w.of(d.user)...)
			return err
		})
	},
	"RFC 7009": func(w *forkWorld, d *forkDevice) error { // any token of the device will do
		text := w.codec.Mint(devicetoken.Token{UserID: d.key.UserID, DeviceID: d.key.ID, Generation: 1, Secret: d.secret})
		err := w.Tokens.Revoke(w.t.Context(), token.RefreshRequest{Token: text, From: at(forkHome)})
		w.signOut(models.RevokedBySignOut, d)
		return err
	},
	"itself": func(w *forkWorld, d *forkDevice) error { // by its access token
		claims := &token.Claims{Subject: d.key.UserID.String(), SessionID: d.key.ID.String()}
		err := w.Devices.RevokeByToken(w.t.Context(), device.TokenAct{Claims: claims, ID: "current", From: at(forkHome)})
		if d.row == nil || d.row.revoked != "" || !d.row.expires.After(w.now()) || !d.row.lastSeen.After(w.now().Add(-w.config.DeviceIdle)) {
			if auth.AsError(err).Kind != auth.KindInvalidToken {
				return fmt.Errorf("a device that is out signed itself out: %w", err)
			}
			return nil
		}
		w.signOut(models.RevokedBySignOut, d)
		return err
	},
	"reset": func(w *forkWorld, d *forkDevice) error {
		w.passwords[d.user] = w.nextPassword()
		_, err := w.Operator.SetPassword(w.t.Context(), w.emails[d.user], w.passwords[d.user])
		w.signOut(models.RevokedByPassword, w.of(d.user)...)
		return err
	},
	"disable": func(w *forkWorld, d *forkDevice) error {
		_, err := w.Operator.Disable(w.t.Context(), w.emails[d.user])
		w.signOut(models.RevokedByDisable, w.of(d.user)...)
		if err == nil {
			err = w.Operator.Enable(w.t.Context(), w.emails[d.user])
		}
		return err
	},
	"operator": func(w *forkWorld, d *forkDevice) error {
		_, err := w.Operator.SignOutUser(w.t.Context(), w.emails[d.user])
		w.signOut(models.RevokedByOperator, w.of(d.user)...)
		return err
	},
}

func (w *forkWorld) of(user int) (list []*forkDevice) {
	for _, d := range w.devices {
		if d.user == user {
			list = append(list, d)
		}
	}
	return list
}

// onThePortal signs a browser in, acts with it, and signs it out.
func (w *forkWorld) onThePortal(user int, act func(ctx context.Context, by *browser.Session) error) error {
	ctx := w.t.Context()
	key, err := w.SignIn.LoginBrowser(ctx, browser.Login{Email: w.emails[user], Password: w.passwords[user], From: at(forkHome)})
	if err != nil {
		return fmt.Errorf("sign in on the portal: %w", err)
	}
	w.retire(user)
	by, err := w.Browsers.Authenticate(ctx, key, at(forkHome))
	if err != nil {
		return fmt.Errorf("on the portal: %w", err)
	}
	if err := act(ctx, by); err != nil {
		return err
	}
	return w.Browsers.SignOut(ctx, by, at(forkHome))
}

func (b *forkBench) nextPassword() string {
	b.renewals++
	return fmt.Sprintf("a fine day by the sea, number %d", b.renewals)
}

// keepCopy copies the devices in the database; restore puts the copy back.
func (w *forkWorld) keepCopy() {
	w.exec("DELETE FROM older_devices", "INSERT INTO older_devices SELECT * FROM devices")
	w.older = map[*forkDevice]forkPast{}
	for _, d := range w.devices {
		w.older[d] = d.clone()
	}
}

func (w *forkWorld) restore() {
	w.exec("DELETE FROM devices", "INSERT INTO devices SELECT * FROM older_devices")
	for _, d := range w.devices {
		d.forkPast = w.older[d].clone() // of a device that signed in later: no row
	}
}

// exec executes statements in one transaction, bypassing the store.
func (b *forkBench) exec(statements ...string) {
	b.t.Helper()
	tx, err := b.store.Pools()[0].BeginTx(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range statements {
		if _, err := tx.ExecContext(context.Background(), statement); err != nil {
			b.t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.t.Fatal(err)
	}
}

// sleep advances the clock and keeps the signing keys current, as the running program does.
func (w *forkWorld) sleep(by time.Duration) {
	w.advance(by)
	if w.now().Sub(w.keysAt) > 12*time.Hour {
		w.keysAt = w.now()
		if err := w.Keys.Load(w.t.Context()); err != nil {
			w.rt.Fatalf("load keys: %v", err)
		}
	}
}
