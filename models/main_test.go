package models_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestMain(m *testing.M) { modelstest.Main(m) }

// noon is when the accounts of these tests are created.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	lifetime = 90 * 24 * time.Hour
	idle     = 30 * 24 * time.Hour
	window   = 10 * time.Second
	password = "hash-1" // what the users row holds at first
	home     = "192.0.2.1"
)

func event(kind models.EventKind, userID uuid.UUID, at time.Time) models.Event {
	return models.Event{UserID: userID, At: at, Kind: kind, Actor: models.ActorOwner, IP: home}
}

// addUser creates another account with a unique address.
func addUser(t testing.TB, s *models.Store) models.User {
	t.Helper()
	id := models.NewID(noon)
	email := id.String() + "@example.org"
	u := models.User{ID: id, Email: email, EmailKey: email, PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
	if err := s.AddUser(t.Context(), u, event(models.EventAccountCreated, u.ID, noon.Add(-time.Minute))); err != nil {
		t.Fatalf("add user: %v", err)
	}
	return u
}

// named numbers a taken name: phone, phone (2) and so on.
func named(name string) func(taken func(string) bool) string {
	return func(taken func(string) bool) string {
		free := name
		for n := 2; taken(free); n++ {
			free = fmt.Sprintf("%s (%d)", name, n)
		}
		return free
	}
}

func live(at time.Time) models.Liveness {
	return models.Liveness{Now: at, AppSince: at.Add(-idle), BrowserSince: at.Add(-idle)}
}

func secretOf(id uuid.UUID) []byte { return append([]byte("secret of "), id[:]...) }

// signIn is a sign-in as auth prepares it. No limit holds unless the test sets one.
func signIn(userID uuid.UUID, kind, name string, at time.Time) models.NewDevice {
	id := models.NewID(at)
	return models.NewDevice{
		Device: models.Device{
			UserID: userID, ID: id, Kind: kind, ClientID: "app-1", CreatedAt: at, CreatedIP: home, LastSeenAt: at, LastIP: home,
			ExpiresAt: at.Add(lifetime), SecretHash: secretOf(id), Generation: 1, Base: 0, Floor: 1, RotatedAt: at,
		},
		Verified: password, FreeName: named(name), Live: live(at), Event: event(models.EventSignIn, userID, at),
	}
}

func add(t testing.TB, s *models.Store, n models.NewDevice) models.Device {
	t.Helper()
	d, err := s.AddDevice(t.Context(), n)
	if err != nil {
		t.Fatalf("add device: %v", err)
	}
	return d
}

func addApp(t testing.TB, s *models.Store, userID uuid.UUID, name string) models.Device {
	t.Helper()
	return add(t, s, signIn(userID, models.KindApp, name, noon))
}

// present presents a token of the device by its own client from its own address.
func present(d models.Device, generation int64, at time.Time) models.Rotation {
	return models.Rotation{
		Key: models.DeviceKey{UserID: d.UserID, ID: d.ID}, SecretHash: secretOf(d.ID), Generation: generation,
		ClientID: "app-1", IP: home, Now: at, Window: window, IdleSince: at.Add(-idle), UserAgent: "agent",
	}
}

func rotate(t testing.TB, s *models.Store, r models.Rotation) models.RotateResult {
	t.Helper()
	result, err := s.RotateDevice(t.Context(), r)
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	return result
}

func device(t testing.TB, s *models.Store, d models.Device) models.Device {
	t.Helper()
	d, err := s.Device(t.Context(), d.UserID, d.ID)
	if err != nil {
		t.Fatalf("read device: %v", err)
	}
	return d
}

func events(t testing.TB, s *models.Store, userID uuid.UUID) []models.Event {
	t.Helper()
	list, err := s.Events(t.Context(), userID, models.EventCursor{}, 10_000)
	if err != nil {
		t.Fatalf("events: %v", err)
	}
	return list
}

// ofNoAccount are events of no account: on Citus they lie under many ids.
const ofNoAccount = "user_id <= '00000000-0000-0000-0000-00000000ffff'"

// eventsOfNoAccount lists them.
func eventsOfNoAccount(t testing.TB, s *models.Store) (list []models.Event) {
	t.Helper()
	rows, err := s.Pools()[0].QueryContext(t.Context(), "SELECT DISTINCT user_id FROM events WHERE "+ofNoAccount)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		list = append(list, events(t, s, id)...)
	}
	for i := range list {
		list[i].UserID = uuid.Nil
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// kinds lists the kinds of one user's events, newest first.
func kinds(t testing.TB, s *models.Store, userID uuid.UUID) string {
	t.Helper()
	var list []string
	for _, e := range events(t, s, userID) {
		list = append(list, string(e.Kind))
	}
	return strings.Join(list, " ")
}

// exec runs a statement directly on the database. Parameters are written as ? on both databases.
func exec(t testing.TB, s *models.Store, statement string, args ...any) {
	t.Helper()
	if _, err := s.Pools()[0].ExecContext(context.Background(), numbered(s, statement), args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// count runs a query that returns one number.
func count(t testing.TB, s *models.Store, query string, args ...any) (n int64) {
	t.Helper()
	if err := s.Pools()[0].QueryRowContext(context.Background(), numbered(s, query), args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func numbered(s *models.Store, statement string) string {
	if s.Dialect() != "postgres" {
		return statement
	}
	parts := strings.Split(statement, "?")
	var b bytes.Buffer
	for i, part := range parts {
		if b.WriteString(part); i < len(parts)-1 {
			fmt.Fprintf(&b, "$%d", i+1)
		}
	}
	return b.String()
}

// together runs n callers at once and waits for all of them.
func together(n int, call func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			call(i)
		})
	}
	close(gate)
	wg.Wait()
}

// rounds returns the number of rounds: fewer on SQLite, which is slower, and with -short.
func rounds(s *models.Store, postgres, sqlite int) int {
	n := postgres
	if s.Dialect() == "sqlite" {
		n = sqlite
	}
	if testing.Short() {
		n = max(1, n/10)
	}
	return n
}

func open(t testing.TB, c models.Config) *models.Store {
	t.Helper()
	s, err := models.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func migrated(t testing.TB, c models.Config) *models.Store {
	t.Helper()
	s := open(t, c)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return s
}
