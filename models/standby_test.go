package models_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// The synchronous standby is cut off, so that the primary cannot keep what it commits. No write is reported as done: neither at once, when PostgreSQL
// commits it on the primary alone after its time, nor on a second attempt, which finds it there. What was reported survives a failover.
func TestAWriteThatNoStandbyHasIsNotReportedAsDone(t *testing.T) {
	t.Parallel()
	primary := modelstest.StartCluster(t)
	standby := primary.StartStandby(t)
	s := migrated(t, models.Config{URL: modelstest.URLOfAll("latchkey", primary, standby), Conns: 16})
	app := func(name string) models.Device { return addApp(t, s, addUser(t, s).ID, name) }
	safe, one, two, three, person := app("safe"), app("one"), app("two"), app("three"), addUser(t, s)
	other := addUser(t, s)
	revoke := func(d models.Device) error {
		_, _, err := s.RevokeDevice(t.Context(), keyOf(d), event(models.EventDeviceRevoked, d.UserID, noon))
		return err
	}
	bySecret := func(d models.Device) error {
		return s.RevokeBySecret(t.Context(), keyOf(d), d.SecretHash, "", nil, event(models.EventSignOut, d.UserID, noon))
	}
	if err := errors.Join(revoke(safe), standby.CutOff()); err != nil {
		t.Fatal(err)
	}
	writes := map[string]func() error{
		"a revocation":              func() error { return revoke(one) },
		"a revocation by its token": func() error { return bySecret(three) },
		"a refresh":                 func() error { _, err := s.RotateDevice(t.Context(), present(two, 1, noon)); return err },
		"an account disabled": func() error {
			_, err := s.DisableUser(t.Context(), other.ID, event(models.EventDisabled, other.ID, noon), models.MailWithLinks{})
			return err
		},
		"a role": func() error {
			return s.SetRole(t.Context(), person.ID, models.RoleSupport, event(models.EventRoleChanged, person.ID, noon))
		},
	}
	writes["a check"] = func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return s.CheckWrite(ctx, []byte{1}, noon)
	}
	for _, try := range []string{"first", "second"} {
		var work sync.WaitGroup
		for name, write := range writes {
			work.Go(func() {
				if err := write(); !errors.Is(err, models.ErrUnavailable) {
					t.Errorf("%s, %s attempt: %v", name, try, err)
				}
			})
		}
		work.Wait()
	}
	if err := errors.Join(primary.Stop("immediate"), standby.Promote()); err != nil {
		t.Fatal(err)
	}
	for name, write := range writes {
		err := write()
		for try := 0; errors.Is(err, models.ErrUnavailable) && try < 16; try++ { // connections to the primary are left
			err = write()
		}
		if err != nil {
			t.Errorf("%s, on the standby: %v", name, err)
		}
	}
	if left, err := s.LiveDevices(t.Context(), safe.UserID, live(noon)); err != nil || len(left) != 0 {
		t.Errorf("the revocation that was reported as done: %d devices are live: %v", len(left), err)
	}
}
