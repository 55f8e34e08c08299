package models_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// crowdOf creates n people with one device each.
func crowdOf(t *testing.T, s *models.Store, n int) []models.Device {
	t.Helper()
	devices := make([]models.Device, n)
	for i := range devices {
		devices[i] = addApp(t, s, addUser(t, s).ID, "phone")
	}
	return devices
}

// waiters counts the sessions of this database that wait for a lock.
func waiters(t *testing.T, s *models.Store) int64 {
	t.Helper()
	return count(t, s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
}

// hold locks a device's row in another transaction until release is called.
func hold(t *testing.T, s *models.Store, d models.Device) (release func()) {
	t.Helper()
	tx, err := s.Pools()[0].BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE devices SET repeats = repeats WHERE user_id = $1 AND id = $2", d.UserID, d.ID); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() { _ = tx.Rollback() })
}

// While every batch slot is busy, later refreshes share a batch: fewer commits than refreshes, and each has its own statement.
func TestRefreshesThatComeTogetherAreCommittedTogether(t *testing.T) {
	var sent, groups atomic.Int64
	s := migrated(t, models.Config{URL: modelstest.Postgres(t), OnStatement: func(sql string) {
		if strings.HasPrefix(sql, "UPDATE devices SET\n") {
			sent.Add(1)
		} else if strings.Contains(sql, "lock_timeout") {
			groups.Add(1)
		}
	}})
	devices := crowdOf(t, s, 34)
	// These two take both slots. Their rows are locked for less than a batch waits.
	first, second := hold(t, s, devices[0]), hold(t, s, devices[1])
	var leaders, rest sync.WaitGroup
	for i := range 2 {
		leaders.Go(func() {
			if _, err := s.RotateDevice(t.Context(), present(devices[i], 1, noon)); err != nil {
				t.Errorf("a leader: %v", err)
			}
		})
	}
	for waiters(t, s) < 2 && sent.Load() < 4 { // 4: slow machine, the leaders gave up waiting and went alone
		time.Sleep(time.Millisecond)
	}
	for _, d := range devices[2:] {
		rest.Go(func() {
			if got, err := s.RotateDevice(t.Context(), present(d, 1, noon)); err != nil || got.Outcome != models.Rotated {
				t.Errorf("outcome %d, %v", got.Outcome, err)
			}
		})
	}
	rest.Wait()
	first()
	second()
	leaders.Wait()
	for _, d := range devices {
		if row := device(t, s, d); forkOf(row) != (fork{1, 2, 2}) {
			t.Errorf("row %+v", forkOf(row))
		}
	}
	n := count(t, s, "SELECT count(DISTINCT xmin::text) FROM devices WHERE id NOT IN (?, ?)", devices[0].ID, devices[1].ID)
	if t.Logf("32 refreshes that waited together took %d transactions", n); n > 16 {
		t.Errorf("32 refreshes that waited together took %d transactions", n)
	}
	if n := sent.Load(); n < 34 || n > 36 {
		t.Errorf("%d statements for 34 refreshes, where two may have been tried again alone", n)
	}
	if n := groups.Load(); n < 1 || n > 16 { // one for each group
		t.Errorf("the lock time was set %d times", n)
	}
	unmarked(t, s)
}

// unmarked checks that groups leave neither their lock time nor a transaction on a connection, which a pooler would pass on.
func unmarked(t *testing.T, s *models.Store) {
	t.Helper()
	everyConn(t, s, `DO $$ BEGIN IF current_setting('lock_timeout') <> '0' THEN RAISE 'lock_timeout is %', current_setting('lock_timeout'); END IF; END $$`)
	open := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
	if n := count(t, s, open); n != 0 {
		t.Errorf("%d transactions are left open", n)
	}
}

// Two rows are locked, as many as there are slots. A batch that waited for either would delay all refreshes.
func TestALockedRowDelaysOnlyItsOwnDevice(t *testing.T) {
	s := migrated(t, models.Config{URL: modelstest.Postgres(t)})
	devices := crowdOf(t, s, 20)
	first, second := hold(t, s, devices[0]), hold(t, s, devices[1])
	defer first()
	defer second()
	stuck := make(chan models.RotateResult, 2)
	for i := range 2 {
		go func() {
			got, err := s.RotateDevice(t.Context(), present(devices[i], 1, noon))
			if err != nil {
				t.Errorf("a row that was held for a while: %v", err)
			}
			stuck <- got
		}()
	}
	for began := time.Now(); waiters(t, s) < 2 && time.Since(began) < 3*time.Second; {
		time.Sleep(time.Millisecond)
	}
	for generation := range int64(3) {
		together(len(devices)-2, func(i int) {
			if got, err := s.RotateDevice(t.Context(), present(devices[i+2], generation+1, noon)); err != nil || got.Outcome != models.Rotated {
				t.Errorf("outcome %d, %v", got.Outcome, err)
			}
		})
	}
	select {
	case got := <-stuck:
		t.Fatalf("a row that is held was rotated: %+v", got)
	default:
	}
	first()
	second()
	for range 2 {
		if got := <-stuck; got.Outcome != models.Rotated || got.Device.Generation != 2 {
			t.Errorf("after its release: %+v", got)
		}
	}
	unmarked(t, s)
}

// A refresh that the database refuses does not fail the others in its batch, and no caller is told of a rotation that was rolled
// back.
func TestARefusedRefreshDoesNotFailItsGroup(t *testing.T) {
	if modelstest.OnCitus() {
		t.Skip("Citus has no groups, and no triggers to refuse a refresh with")
	}
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		devices := crowdOf(t, s, 16)
		bad := devices[7]
		if s.Dialect() == "postgres" {
			exec(t, s, fmt.Sprintf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = '%s' THEN RAISE 'refused'; END IF; RETURN NEW; END $$`, bad.ID))
			exec(t, s, "CREATE TRIGGER refuse BEFORE UPDATE ON devices FOR EACH ROW EXECUTE FUNCTION refuse()")
		} else {
			exec(t, s, fmt.Sprintf(`CREATE TRIGGER refuse BEFORE UPDATE ON devices WHEN NEW.id = '%s' BEGIN SELECT RAISE(ABORT, 'refused'); END`, bad.ID))
		}
		for generation := int64(1); generation <= 5; generation++ {
			together(len(devices), func(i int) {
				g := generation
				if devices[i].ID == bad.ID {
					g = 1
				}
				got, err := s.RotateDevice(t.Context(), present(devices[i], g, noon))
				switch {
				case devices[i].ID == bad.ID:
					if err == nil {
						t.Errorf("the bad one: %+v", got)
					}
				case err != nil || got.Outcome != models.Rotated || got.Device.Generation != generation+1:
					t.Errorf("device %d: %+v, %v", i, got, err)
				}
			})
		}
		if row := forkOf(device(t, s, bad)); row != (fork{0, 1, 1}) {
			t.Errorf("the bad one: %+v", row)
		}
	})
}

// A batch locks rows of many people, a sign-out many rows of one. They must not deadlock, and nothing is refreshed after its
// revocation was acknowledged.
func TestGroupsAndRevocationsDoNotDeadlock(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for range rounds(s, 10, 5) {
			var devices []models.Device
			var users []uuid.UUID
			for range 6 {
				u := addUser(t, s)
				users = append(users, u.ID)
				for n := range 4 {
					devices = append(devices, addApp(t, s, u.ID, fmt.Sprint("phone ", n)))
				}
			}
			together(len(devices)+len(users), func(i int) {
				if i >= len(devices) {
					id := users[i-len(devices)]
					e := event(models.EventSignOut, id, noon)
					e.Detail = string(models.RevokedByOwner)
					n, err := s.RevokeOthers(t.Context(), id, uuid.Nil, e)
					if err != nil || n != 4 {
						t.Errorf("revoked %d, %v", n, err)
					}
					for _, d := range devices {
						if d.UserID == id {
							if got, err := s.RotateDevice(t.Context(), present(d, device(t, s, d).Generation, noon)); err != nil || got.Outcome != models.Revoked {
								t.Errorf("after the revocation: %d, %v", got.Outcome, err)
							}
						}
					}
					return
				}
				for g := int64(1); g < 20; g++ {
					got, err := s.RotateDevice(t.Context(), present(devices[i], g, noon))
					if err != nil || got.Outcome != models.Rotated && got.Outcome != models.Revoked {
						t.Errorf("outcome %d, %v", got.Outcome, err)
					}
				}
			})
		}
	})
}

// A refresh that could not be sent in time is never sent.
func TestARefreshThatFindsNoSlotInTimeConsumesNothing(t *testing.T) {
	if testing.Short() {
		t.Log("the long one: a write is given five seconds")
	}
	s := migrated(t, models.Config{URL: modelstest.Postgres(t)})
	d := addApp(t, s, addUser(t, s).ID, "phone")
	release := holdEverything(t, s)
	_, err := s.RotateDevice(t.Context(), present(d, 1, noon))
	release()
	if !errors.Is(err, models.ErrUnavailable) {
		t.Errorf("without a connection: %v", err)
	}
	if row := forkOf(device(t, s, d)); row != (fork{0, 1, 1}) {
		t.Errorf("row %+v", row)
	}
}
