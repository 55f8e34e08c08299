package models_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// everyConn runs a statement on every connection of a store.
func everyConn(t *testing.T, s *models.Store, statement string) {
	t.Helper()
	for _, pool := range s.Pools() {
		var all []interface{ Close() error }
		for range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			all = append(all, conn)
		}
		for _, conn := range all {
			_ = conn.Close()
		}
	}
}

// prepared counts the named prepared statements on a connection of a store.
func prepared(t *testing.T, s *models.Store) (n int) {
	t.Helper()
	if err := s.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Behind a pooler statements are prepared by name, unless the operator says that this pooler does not support it.
func TestTheOperatorDecidesWhetherStatementsAreNamed(t *testing.T) {
	t.Parallel()
	w, _ := layPooler(t, modelstest.Postgres(t))
	for mode, named := range map[string]bool{"": true, "&default_query_exec_mode=exec": false} {
		s := migrated(t, models.Config{URL: w.url + mode, Conns: 4})
		for name, err := range everyAct(t, s) {
			t.Errorf("%q: %s: %v", mode, name, err)
		}
		if n := prepared(t, s); (n > 0) != named {
			t.Errorf("%q: %d statements are prepared", mode, n)
		}
	}
}

// A pooler may accept or ignore our parameters and still share connections. Then prepared statements are missing, or another
// client's are there. No call fails because of that, and from then on nothing is prepared by name.
func TestStatementsThatAPoolerLosesFailNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "&default_query_exec_mode=cache_statement"} {
		s := migrated(t, models.Config{URL: modelstest.Postgres(t) + mode, Conns: 4})
		everyAct(t, s)
		everyConn(t, s, "DEALLOCATE ALL")
		together(4, func(int) {
			for name, err := range everyAct(t, s) {
				t.Errorf("%q: %s: %v", mode, name, err)
			}
		})
		if n := prepared(t, s); n != 0 {
			t.Errorf("%q: %d statements are prepared", mode, n)
		}
	}
}

// Some poolers support single statements but no transactions. Every write needs those.
func TestAPoolerWithoutTransactionsTakesNoWrites(t *testing.T) {
	t.Parallel()
	s := migrated(t, models.Config{URL: modelstest.Postgres(t) + "&default_query_exec_mode=simple_protocol", Conns: 4})
	check := func() error { return s.CheckWrite(t.Context(), []byte{1}, noon) }
	if err := check(); err != nil {
		t.Fatal(err)
	}
	// Within a transaction a statement starts later than the transaction; a single statement starts at the same time.
	exec(t, s, `CREATE FUNCTION alone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF now() < statement_timestamp() THEN RAISE 'transaction blocks not allowed' USING ERRCODE = '08P01'; END IF; RETURN NEW; END $$`)
	exec(t, s, "CREATE TRIGGER alone BEFORE INSERT OR UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION alone()")
	if check() == nil {
		t.Error("a database without transactions passes for one that can be written to")
	}
}

// Errors that another attempt can fix are recognised by codes and names that are the same in every language of the server.
func TestAServersLanguageChangesNothing(t *testing.T) {
	for name, err := range map[string]*pgconn.PgError{
		"a plan":       {Severity: "FEHLER", Code: "0A000", Message: "gecachter Plan darf den Ergebnistyp nicht ändern", Routine: "RevalidateCachedQuery"},
		"a format":     {Severity: "FEHLER", Code: "08P01", Message: "Bind-Nachricht hat 2 Ergebnisspalten, aber Anfrage hat 1 Spalten", Routine: "PortalSetResultFormat"},
		"an idle end":  {Severity: "FATAL", Code: "57P05", Message: "Verbindung wird abgebrochen wegen Zeitüberschreitung in inaktiver Sitzung"},
		"a shutdown":   {Severity: "FATAL", Code: "57P01", Message: "Verbindung wird abgebrochen aufgrund von Anweisung des Administrators"},
		"a read-only":  {Severity: "FEHLER", Code: "25006", Message: "UPDATE kann nicht in einer Read-Only-Transaktion ausgeführt werden"},
		"a lost name":  {Severity: "FEHLER", Code: "26000", Message: "vorbereitete Anweisung »x« existiert nicht"},
		"a taken name": {Severity: "FEHLER", Code: "42P05", Message: "vorbereitete Anweisung »x« existiert bereits"},
	} {
		tries := 0
		if got := models.WithRetries(t.Context(), func() error {
			if tries++; tries == 1 {
				return err
			}
			return nil
		}); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	tries := 0
	err := models.WithRetries(t.Context(), func() error {
		tries++
		return &pgconn.PgError{Severity: "FEHLER", Code: "0A000", Message: "nicht implementiert", Routine: "ExecInitFunc"}
	})
	if err == nil || tries != 1 {
		t.Errorf("a mistake of ours is tried %d times: %v", tries, err)
	}
}
