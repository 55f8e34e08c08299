package models_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// A statement may take long, and a refresh may wait for a row: a server that gives a sign of life is not left, and no connection ends.
func TestAServerThatIsSlowIsNotLeft(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	behind, _ := layPooler(t, database)
	proxy := lay(t, database, nil)
	first, second := proxy.listener.Addr().String(), lay(t, database, nil).listener.Addr().String()
	for name, url := range map[string]string{
		"directly": database, "behind a proxy": proxy.url, "behind a pooler": behind.url,
		"of two": strings.Replace(proxy.url, first, first+","+second, 1),
	} {
		s := migrated(t, models.Config{URL: url, Conns: 8})
		d := addApp(t, s, addUser(t, s).ID, "phone")
		before := backends(t, s)
		release := hold(t, s, d)
		refreshed := make(chan models.RotateResult, 1)
		go func() {
			got, err := s.RotateDevice(t.Context(), present(d, 1, noon))
			if err != nil {
				t.Errorf("%s: a refresh that waits: %v", name, err)
			}
			refreshed <- got
		}()
		together(4, func(int) {
			if _, err := s.Pools()[0].ExecContext(t.Context(), "SELECT pg_sleep(2.5)"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		release()
		if got := <-refreshed; got.Outcome != models.Rotated {
			t.Errorf("%s: %+v", name, got)
		}
		if after := backends(t, s); after != before {
			t.Errorf("%s: the connections were %s and are %s", name, before, after)
		}
	}
}

// backends lists the server's processes of all connections of a store, which it makes if they are not there.
func backends(t *testing.T, s *models.Store) (list string) {
	t.Helper()
	holdEverything(t, s)()
	everyConn(t, s, "SET application_name = 'slow'")
	err := s.Pools()[0].QueryRowContext(t.Context(), `SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'slow'`).Scan(&list)
	if err != nil {
		t.Fatal(err)
	}
	everyConn(t, s, "SET application_name = 'latchkey'")
	return list
}

// A server from which nothing comes back any more is left within seconds, with all its connections.
func TestAServerThatIsSilentIsLeft(t *testing.T) {
	t.Parallel()
	database := modelstest.Postgres(t)
	silent := lay(t, database, nil)
	var log bytes.Buffer
	s := migrated(t, models.Config{URL: silent.url, Conns: 8, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	d := addApp(t, s, addUser(t, s).ID, "phone")
	holdEverything(t, s)()
	silent.mute()
	for g, began := int64(1), time.Now(); ; {
		got, err := s.RotateDevice(t.Context(), present(d, g, noon))
		if err == nil {
			if took := time.Since(began); got.Outcome != models.Rotated || took > 10*time.Second {
				t.Errorf("outcome %d after %s", got.Outcome, took)
			}
			if n := strings.Count(log.String(), "does not answer"); n != 1 {
				t.Errorf("it is logged %d times: %s", n, log.String())
			}
			t.Logf("left after %s", time.Since(began).Round(time.Millisecond))
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
