package services_test

import (
	"testing"
	"time"

	"latchkey/auth/devicetoken"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// refreshRule is a rule for refresh tokens. Sign-in returns the token of the first generation.
type refreshRule interface {
	// present returns the token answered, and false when the device is signed out by now.
	present(token int64, ip string, now time.Time) (answer int64, ok bool)
}

const tableWindow = 10 * time.Second

// strictRule is reuse detection with a grace period: any client gets the response for the last used token once more within 10 s; an
// older token ends the device.
type strictRule struct {
	newest  int64
	rotated time.Time
	out     bool
}

func (r *strictRule) present(token int64, _ string, now time.Time) (int64, bool) {
	switch {
	case r.out:
	case token == r.newest:
		r.newest, r.rotated = r.newest+1, now
	case token != r.newest-1 || now.Sub(r.rotated) > tableWindow:
		r.out = true
	}
	return r.newest, !r.out
}

// predecessorRule always accepts the token used last, and responds with the current one.
type predecessorRule struct {
	newest int64
	out    bool
}

func (r *predecessorRule) present(token int64, _ string, _ time.Time) (int64, bool) {
	switch {
	case r.out:
	case token == r.newest:
		r.newest++
	case token != r.newest-1:
		r.out = true
	}
	return r.newest, !r.out
}

// modelRule is the fork rule of the model.
type modelRule struct{ row forkRow }

func (r *modelRule) present(g int64, ip string, now time.Time) (int64, bool) {
	outcome := r.row.present(g, presented{now: now, ip: ip, window: tableWindow, idle: 30 * forkDay})
	return r.row.generation, token.RefusalReason(outcome) == ""
}

// realRule is the fork rule of models.RotateDevice, compared with the model at every step.
type realRule struct {
	modelRule
	t      *testing.T
	store  *models.Store
	key    models.DeviceKey
	secret []byte
	judged *int
}

func (r *realRule) present(g int64, ip string, now time.Time) (int64, bool) {
	*r.judged++
	want := r.row.present(g, presented{now: now, ip: ip, window: tableWindow, idle: 30 * forkDay})
	got, err := r.store.RotateDevice(r.t.Context(), models.Rotation{
		Key: r.key, SecretHash: r.secret, Generation: g, IP: ip, Now: now, Window: tableWindow, IdleSince: now.Add(-30 * forkDay),
	})
	if err != nil {
		r.t.Fatalf("rotate: %v", err)
	}
	ok := token.RefusalReason(want) == ""
	if d := got.Device; got.Outcome != want || ok && (d.Generation != r.row.generation || d.Base != r.row.base || d.Floor != r.row.floor) {
		r.t.Fatalf("generation %d: %s %+v, the model says %s %+v", g, forkOutcomes[got.Outcome], d, forkOutcomes[want], r.row)
	}
	return got.Device.Generation, ok
}

// realRules returns a device of a real user on SQLite, always in the state after its sign-in.
func realRules(t *testing.T, judged *int) func() refreshRule {
	t.Helper()
	store, err := models.Open(t.Context(), models.Config{URL: modelstest.MigratedSQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := forkBench{desk: newDesk(t, store), t: t}
	if _, err := store.Pools()[0].ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil { // power cuts are not simulated
		t.Fatal(err)
	}
	b.change(t, func(c *services.Config) { c.DeviceLifetime = 1000 * forkDay })
	answer, err := b.SignIn.Login(t.Context(), signin.LoginRequest{Email: adaEmail, Password: adaPassword, DeviceName: "phone", From: at(forkHome)})
	if err != nil {
		t.Fatal(err)
	}
	token, err := b.codec.Parse(answer.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	b.exec("CREATE TABLE signed_in AS SELECT * FROM devices")
	return func() refreshRule {
		b.exec("DELETE FROM devices", "INSERT INTO devices SELECT * FROM signed_in")
		return &realRule{
			modelRule: modelRule{newForkRow(tableStart, tableStart.Add(b.config.DeviceLifetime), forkHome, 0)}, t: t, store: store,
			key:    models.DeviceKey{UserID: token.UserID, ID: token.DeviceID},
			secret: devicetoken.SecretHash(token.Secret), judged: judged,
		}
	}
}
