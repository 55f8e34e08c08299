package models_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestWhilePostgresIsDownEverythingIsUnavailableAndThenItIsNot(t *testing.T) {
	t.Parallel()
	cluster := modelstest.StartCluster(t)
	s := migrated(t, models.Config{URL: cluster.URL("latchkey"), Conns: 8})
	u := addUser(t, s)
	d := addApp(t, s, u.ID, "phone")
	generation := int64(1)
	calls := map[string]func() error{
		"ping": func() error { return s.Ping(t.Context()) },
		"read": func() error { _, err := s.UserByEmail(t.Context(), u.EmailKey); return err },
		"list": func() error { _, err := s.LiveDevices(t.Context(), u.ID, live(noon)); return err },
		"write": func() error {
			return s.SetRole(t.Context(), u.ID, models.RoleUser, event(models.EventRoleChanged, u.ID, noon))
		},
		"attempt": func() error {
			_, err := s.IncrementCounters(t.Context(), [][]byte{{1}}, noon, noon)
			return err
		},
		"sign-in": func() error {
			_, err := s.AddDevice(t.Context(), signIn(u.ID, models.KindApp, "tablet", noon))
			return err
		},
		"migrate": func() error { _, err := s.Migrate(t.Context()); return err },
		"refresh": func() error {
			got, err := s.RotateDevice(t.Context(), present(d, generation, noon))
			if err == nil {
				generation = got.Device.Generation
			}
			return err
		},
	}
	for _, mode := range []string{"immediate", "fast"} {
		holdEverything(t, s)() // all connections are there, and will be dead
		if err := cluster.Stop(mode); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for name, call := range calls {
				begin := time.Now()
				err := call()
				if took := time.Since(begin); !errors.Is(err, models.ErrUnavailable) || took > 20*time.Second {
					t.Errorf("stopped (%s), %s: %v after %v", mode, name, err, took)
				}
				if err != nil && (strings.Contains(err.Error(), u.EmailKey) || strings.Contains(err.Error(), "password=")) {
					t.Errorf("the error tells too much: %v", err)
				}
			}
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		holdEverything(t, s)() // as a pool does that was idle for a while: the dead ones are found out
		for name, call := range calls {
			if err := call(); err != nil {
				t.Errorf("started again, %s: %v", name, err)
			}
		}
	}
	if got := rotate(t, s, present(d, generation, noon)); got.Outcome != models.Rotated {
		t.Errorf("outcome %d: a refresh was lost although it was acknowledged", got.Outcome)
	}
}

// A connection that broke while idle fails no call when it is safe to try again.
func TestConnectionsEndedByTheServerFailNoCall(t *testing.T) {
	t.Parallel()
	cluster := modelstest.StartCluster(t)
	s := migrated(t, models.Config{URL: cluster.URL("latchkey"), Conns: 8})
	u := addUser(t, s)
	d := addApp(t, s, u.ID, "phone")
	for g := int64(1); g <= 2; g++ {
		holdEverything(t, s)()
		if err := cluster.Stop("fast"); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond) // pgx looks at a connection before use when it was idle for a second
		if got := rotate(t, s, present(d, g, noon)); got.Outcome != models.Rotated {
			t.Fatalf("outcome %d", got.Outcome)
		}
		if testing.Short() {
			break
		}
	}
}

func TestADatabaseThatIsNowhereDoesNotKeepTheProgramFromStarting(t *testing.T) {
	s := open(t, models.Config{URL: "postgres://nobody:sesame@127.0.0.1:1/none?sslmode=disable"})
	err := s.Ping(t.Context())
	if !errors.Is(err, models.ErrUnavailable) || strings.Contains(err.Error(), "sesame") {
		t.Errorf("ping: %v", err)
	}
}

func TestAURLThatCannotBeReadIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "mysql://sesame@h/d", "/tmp/sesame", "postgres://u:sesame@h:notaport/d", "postgres://u:ses%zzame@h/d"} {
		s, err := models.Open(t.Context(), models.Config{URL: url})
		if err == nil {
			t.Errorf("%q was opened", url)
			_ = s.Close()
		} else if strings.Contains(err.Error(), "ses") {
			t.Errorf("%q: the error repeats it: %v", url, err)
		}
	}
}

func TestErrorsCarryTheirKindAndNoValues(t *testing.T) {
	const marker = "sesame"
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		ctx := t.Context()
		u := addUser(t, s)
		marked := u
		marked.ID, marked.Email, marked.EmailKey, marked.PasswordHash = uuid.New(), marker, u.EmailKey, marker
		role := models.User{ID: uuid.New(), Email: marker, EmailKey: marker, PasswordHash: marker, Role: marker, CreatedAt: noon}
		nul := event(models.EventSignIn, u.ID, noon)
		nul.Detail = marker + "\x00\xff" + marker
		fresh := signIn(uuid.New(), models.KindApp, marker, noon)
		broken := signIn(u.ID, "kind "+marker, marker, noon)
		client := models.Client{ID: marker, Name: marker, CreatedAt: noon}
		if err := s.AddClient(ctx, client); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			err  error
			kind error // nil: none of those that callers tell apart
		}{
			"a taken address":        {s.AddUser(ctx, marked, event(models.EventAccountCreated, u.ID, noon)), models.ErrDuplicate},
			"a taken client id":      {s.AddClient(ctx, client), models.ErrDuplicate},
			"a role of no kind":      {s.AddUser(ctx, role, event(models.EventAccountCreated, u.ID, noon)), nil},
			"a device of no account": {second(s.AddDevice(ctx, fresh)), models.ErrChanged},
			"a device of a kind":     {second(s.AddDevice(ctx, broken)), nil},
			"an unknown address":     {second(s.UserByEmail(ctx, marker)), models.ErrNotFound},
			"an unknown account":     {second(s.UserByID(ctx, uuid.New())), models.ErrNotFound},
			"no device":              {second(s.Device(ctx, u.ID, uuid.New())), models.ErrNotFound},
			"no client":              {s.RemoveClient(ctx, marker+"2"), models.ErrNotFound},
			"a role for no account":  {s.SetRole(ctx, uuid.New(), marker, nul), models.ErrNotFound},
			"another password":       {second(s.ChangePassword(ctx, models.PasswordChange{UserID: u.ID, Proof: models.Proof{Verified: marker}, Hash: marker, At: noon})), models.ErrChanged},
			"no account's password":  {second(s.ChangePassword(ctx, models.PasswordChange{UserID: uuid.New(), Hash: marker, At: noon})), models.ErrNotFound},
		} {
			if c.err == nil || c.kind != nil && !errors.Is(c.err, c.kind) {
				t.Errorf("%s: %v, want %v", name, c.err, c.kind)
				continue
			}
			for _, kind := range []error{models.ErrDuplicate, models.ErrChanged, models.ErrNotFound, models.ErrUnavailable, models.ErrTooManyDevices} {
				if errors.Is(c.err, kind) && !errors.Is(kind, c.kind) {
					t.Errorf("%s is also %v: %v", name, kind, c.err)
				}
			}
			if strings.Contains(c.err.Error(), marker) {
				t.Errorf("%s: a value is told: %v", name, c.err)
			}
		}
		if err := s.AddEvent(context.Background(), nul); err != nil && (strings.Contains(err.Error(), marker) || errors.Is(err, models.ErrUnavailable)) {
			t.Errorf("invalid text: %v", err) // SQLite takes it
		}
	})
}

func second[T any](_ T, err error) error { return err }
