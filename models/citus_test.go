package models_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// explained returns how Citus would run a statement with arguments about one account.
func explained(t *testing.T, s *models.Store, statement string, u models.User) string {
	t.Helper()
	conn, err := s.Pools()[0].Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	statement = placeholder.ReplaceAllStringFunc(statement, func(p string) string { return "$" + strings.Trim(p, "$") })
	run := func(sql string) (lines []string) {
		rows, err := conn.QueryContext(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		return lines
	}
	run("PREPARE q AS " + statement)
	defer run("DEALLOCATE q")
	values := map[string]string{"uuid": "'" + u.ID.String() + "'", "text": "'" + u.EmailKey + "'", "bigint": "1", "integer": "1", "boolean": "true",
		"timestamp with time zone": "'2026-03-01'", "bytea": `'\x01'`, "double precision": "1", "name": "'x'"}
	var args []string
	for _, kind := range run("SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = 'q'") {
		if values[kind] == "" {
			t.Fatalf("a parameter of type %s", kind)
		}
		args = append(args, values[kind])
	}
	explain := "EXPLAIN EXECUTE q"
	if len(args) > 0 {
		explain += "(" + strings.Join(args, ", ") + ")"
	}
	return strings.Join(run(explain), "\n")
}

// tasksOf returns how many tasks Citus makes of a statement about one account: the most of its parts.
func tasksOf(t *testing.T, s *models.Store, statement string, u models.User) (most int) {
	t.Helper()
	for _, found := range regexp.MustCompile(`Task Count: (\d+)`).FindAllStringSubmatch(explained(t, s, statement, u), -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, n)
	}
	return most
}

// countingStore returns a store, and what an act sends to the database.
func countingStore(t *testing.T, url string) (s *models.Store, of func(act func() error) []string) {
	var mu sync.Mutex
	var sent []string
	s = open(t, models.Config{URL: url, OnStatement: func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, sql)
	}})
	return s, func(act func() error) []string {
		t.Helper()
		mu.Lock()
		sent = nil
		mu.Unlock()
		if err := act(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, sent...)
	}
}

// The rows of the table "What an act asks" in OPERATIONS.md.
func TestAnActOnCitusAsksAsManyShardsAsTheManualSays(t *testing.T) {
	needCitus(t)
	manual, err := os.ReadFile("../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		s, of := countingStore(t, url)
		shards := int(count(t, s, "SELECT count(*) FROM pg_dist_shard WHERE logicalrelid = 'users'::regclass"))
		u := addUser(t, s)
		told := map[string]bool{}
		for _, a := range actsOf(t, s, u) {
			var one, all int
			for _, statement := range of(a.do) {
				switch tasks := a.tasksOf(t, s, statement, u, shards); tasks {
				case 0: // of the node that was asked, alone
				case 1:
					one++
				case shards:
					all++
					t.Logf("%s: %s", a.name, statement)
				default:
					t.Errorf("%s: %d tasks\n%s", a.name, tasks, statement)
				}
			}
			row := fmt.Sprintf("| %s | %d | %d |", a.name, one, all)
			if told[row] = true; !strings.Contains(string(manual), row) {
				t.Errorf("OPERATIONS.md does not say: %s", row)
			}
		}
		for _, row := range regexp.MustCompile(`(?m)^\| [^|]+ \| \d+ \| \d+ \|$`).FindAllString(citusPart(string(manual)), -1) {
			if !told[row] {
				t.Errorf("OPERATIONS.md says what is not tested: %s", row)
			}
		}
	})
}

// What the server reads for an address that no account has costs the same statements, so that time tells a stranger nothing.
func TestAnUnknownAddressCostsTheSameOnCitus(t *testing.T) {
	needCitus(t)
	modelstest.EachMigrated(t, func(t *testing.T, url string) {
		s, of := countingStore(t, url)
		u := addUser(t, s)
		was := u.EmailKey
		u = moved(t, s, u, "now@example.org", noon)
		for name, read := range map[string]func(key string) error{
			"a sign-in": func(key string) error {
				return second(s.SignInFacts(t.Context(), models.SignInQuestion{EmailKey: key, ClientID: "app", Keys: [][]byte{{1}}, At: noon}))
			},
			"an account": func(key string) error { _, _ = s.UserByEmail(t.Context(), key); return nil },
			"a held address": func(key string) error {
				_, _, err := s.AddressHeld(t.Context(), key, uuid.Nil, noon)
				return err
			},
		} {
			known, held, unknown := of(func() error { return read(u.EmailKey) }), of(func() error { return read(was) }), of(func() error { return read("nobody@example.org") })
			if len(known) < 2 || !slices.Equal(known, unknown) || !slices.Equal(known, held) {
				t.Errorf("%s: %d statements for a known, %d for a held, %d for an unknown address", name, len(known), len(held), len(unknown))
			}
		}
	})
}

func citusPart(manual string) string {
	_, part, _ := strings.Cut(manual, "## Several nodes: Citus")
	part, _, _ = strings.Cut(part, "\n## ")
	return part
}

// needCitus skips a test that is about Citus alone, where the tests do not run on it.
func needCitus(t *testing.T) {
	t.Helper()
	if !modelstest.OnCitus() {
		t.Skip("make test-citus runs it")
	}
}

type act struct {
	name string
	do   func() error
}

const wholeDeletion = "the deletion of an account, whole"

// tasksOf is how many tasks Citus makes of a statement of the act. The events that a deletion leaves are of no account, and several of them lie on
// several shards: the plan of a statement without its own arguments does not tell.
func (a act) tasksOf(t *testing.T, s *models.Store, statement string, u models.User, shards int) int {
	t.Helper()
	if a.name == wholeDeletion && severalEvents.MatchString(statement) {
		return shards
	}
	return tasksOf(t, s, statement, u)
}

var severalEvents = regexp.MustCompile(`^INSERT INTO "events" .*\),\(`)

func actsOf(t *testing.T, s *models.Store, u models.User) []act {
	d := add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", noon), 5))
	b := add(t, s, signIn(u.ID, models.KindBrowser, "browser", noon))
	other := addUser(t, s)
	mine, lost := add(t, s, signIn(other.ID, models.KindBrowser, "mine", noon)), add(t, s, signIn(other.ID, models.KindApp, "lost", noon.Add(time.Second)))
	ctx, pages, earlier := t.Context(), pageQueries(s, u.ID), noon.Add(-24*time.Hour)
	return []act{
		{"a refresh", func() error { return second(s.RotateDevice(ctx, present(d, 1, noon))) }},
		{"what a sign-in reads first", func() error {
			return second(s.SignInFacts(ctx, models.SignInQuestion{EmailKey: u.EmailKey, ClientID: "app", Keys: [][]byte{{1}}, At: noon}))
		}},
		{"what a sign-in writes", func() error {
			n := inPlace(signIn(u.ID, models.KindApp, "tablet", noon), 6)
			n.KnownOrigins, n.Max = [][]byte{{1}}, 10
			return second(s.AddDevice(ctx, n))
		}},
		{"a page for a signed-in browser", func() error {
			_, _, err := s.BrowserSession(ctx, u.ID, b.ID, secretOf(b.ID), live(noon))
			return err
		}},
		{"the list of devices", pages["the overview"]},
		{"an app's list of devices", func() error { return second(s.LiveDevices(ctx, u.ID, live(noon))) }},
		{"the activity", pages["events of kinds"]},
		{"the trusted browsers", func() error { return second(s.TrustedBrowsers(ctx, u.ID, noon)) }},
		{"a new name of a device", func() error {
			return second(s.RenameDevice(ctx, keyOf(d), live(noon), named("other"), event(models.EventDeviceRenamed, u.ID, noon)))
		}},
		{"signing a device out", func() error {
			_, _, err := s.RevokeDevice(ctx, keyOf(d), event(models.EventDeviceRevoked, u.ID, noon))
			return err
		}},
		{"signing the others out", func() error {
			return second(s.RevokeOthers(ctx, u.ID, b.ID, event(models.EventDevicesRevoked, u.ID, noon)))
		}},
		{"signing a device out with everything since", func() error { return second(s.RevokeSince(ctx, sinceOf(lost, mine.ID, noon))) }},
		{"the status lists", func() error { return s.RevokedPlaces(ctx, noon, func(models.RevokedPlace) {}) }},
		{"a write of `/readyz`", func() error { return s.CheckWrite(ctx, []byte{1}, noon) }},
		{"a new account", func() error {
			n := models.User{ID: models.NewID(noon), Email: "n@example.org", EmailKey: "n@example.org", PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
			return s.AddUser(ctx, n, event(models.EventAccountCreated, n.ID, noon))
		}},
		{"a person for support", func() error { return second(s.PersonByID(ctx, u.ID, live(noon))) }},
		{"a search of support", func() error {
			return second(s.PeopleByEmail(ctx, models.KeyPrefix{Text: "x"}, "", models.DeviceSearch{Live: live(noon), Limit: 10}))
		}},
		{"the daily numbers", func() error {
			return second(s.DailyCounts(ctx, []models.EventKind{models.EventSignIn}, noon, noon))
		}},
		{"a page of the feed of events", func() error { return second(s.EventsAfter(ctx, models.EventCursor{}, noon, 10)) }},
		{"the messages of one webhook", func() error {
			if err := s.AddWebhook(ctx, models.Webhook{ID: "a", URL: "https://example.org", Kinds: models.AllKinds, Secret: []byte{1}, CreatedAt: earlier}); err != nil {
				return err
			}
			return second(s.QueueWebhooks(ctx, noon.Add(time.Hour), earlier))
		}},
		{"a new e-mail address, asked for and confirmed", func() error { moved(t, s, other, "else@example.org", noon); return nil }},
		{"a new password", func() error {
			c := models.PasswordChange{UserID: other.ID, Proof: models.Proof{Verified: password, Version: factorsVersion(t, s, other)}, Hash: "new", At: noon, Event: event(models.EventPasswordChanged, other.ID, noon)}
			return second(s.ChangePassword(ctx, c))
		}},
		{"an account by its e-mail address", func() error { return second(s.UserByEmail(ctx, u.EmailKey)) }},
		{"an account by its external id", func() error { _, _ = s.UserByExternalID(ctx, "none"); return nil }},
		{"a page of the accounts that changed", func() error { return second(s.ChangedUsers(ctx, models.UserCursor{}, noon, 10)) }},
		{"a sweep that finds nothing", func() error {
			return second(s.Sweep(ctx, models.Retention{
				DevicesBefore: earlier, EventsBefore: earlier, FailuresBefore: earlier, CountersBefore: earlier, KnownOriginsBefore: earlier, StatusBefore: earlier, LinksBefore: earlier,
				ChallengesBefore: earlier, DeviceCodesBefore: earlier, TrustBefore: earlier, NoticesBefore: earlier, MessagesBefore: earlier, LostMessagesBefore: earlier, CreationsBefore: earlier, AlertsBefore: earlier,
			}))
		}},
		{"a wrong password", func() error {
			e := unknown(noon)
			e.UserID = u.ID
			return s.AddFailure(ctx, e)
		}},
		{"a wrong e-mail address", func() error { return s.AddFailure(ctx, unknown(noon)) }},
		{wholeDeletion, func() error { return deleteWhole(t, s, deletion(u, noon)) }},
	}
}
