package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

const importedHash = "imported:$2a$10$x"

// imported is an account as an import makes it.
func imported(key, externalID string) models.ImportedUser {
	u := models.User{
		ID: models.NewID(noon), Email: key, EmailKey: key, PasswordHash: importedHash, Role: models.RoleUser, CreatedAt: noon.Add(-1000 * day), ExternalID: externalID,
	}
	return models.ImportedUser{User: u, Event: event(models.EventAccountCreated, u.ID, noon)}
}

func runImport(t *testing.T, s *models.Store, list ...models.ImportedUser) []models.ImportOutcome {
	t.Helper()
	outcomes, err := s.ImportUsers(t.Context(), list, noon)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

func TestAnImportedAccountIsWhole(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		n := imported("ada@example.org", "a-1")
		n.TOTP, n.User.Metadata, n.User.EmailVerified = []byte("sealed"), `{"plan":"pro"}`, true
		plain := imported("eve@example.org", "")
		if got := runImport(t, s, n, plain); !slices.Equal(got, []models.ImportOutcome{models.ImportCreated, models.ImportCreated}) {
			t.Fatal(got)
		}
		u := user(t, s, n.User)
		if !u.CreatedAt.Equal(noon.Add(-1000*day)) || !u.PasswordChangedAt.Equal(u.CreatedAt) || !u.UpdatedAt.Equal(noon) || !u.SecondFactor ||
			u.FactorsVersion != 1 || u.PasswordHash != importedHash || u.Metadata != n.User.Metadata || u.ExternalID != "a-1" || !u.EmailVerified {
			t.Errorf("%+v", u)
		}
		factors, err := s.Factors(t.Context(), u.ID)
		if err != nil || len(factors) != 1 || factors[0].Kind != models.FactorTOTP || string(factors[0].Data) != "sealed" || !factors[0].Since.Equal(u.CreatedAt) {
			t.Errorf("factors %+v, %v", factors, err)
		}
		if e := user(t, s, plain.User); e.SecondFactor || e.FactorsVersion != 0 || e.ExternalID != "" {
			t.Errorf("%+v", e)
		}
		if n := count(t, s, "SELECT count(*) FROM events WHERE kind = 'account_created'"); n != 2 {
			t.Errorf("%d events", n)
		}
		secrets, err := s.AppSecrets(t.Context(), []uuid.UUID{u.ID, plain.User.ID})
		if err != nil || len(secrets) != 1 || string(secrets[u.ID]) != "sealed" {
			t.Errorf("secrets %q, %v", secrets, err)
		}
	})
}

func TestAnImportChangesNoAccount(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		there := imported("ada@example.org", "a-1")
		held := addUser(t, s)
		if err := ask(t, s, held, "to b", noon); err != nil {
			t.Fatal(err)
		}
		if err := s.ChangeEmail(t.Context(), move(held, "to b", "b@example.org", noon)); err != nil {
			t.Fatal(err)
		}
		runImport(t, s, there)
		list := []models.ImportedUser{
			imported("ada@example.org", "a-1"), imported("ada@example.org", ""), imported("ada@example.org", "a-2"),
			imported("eve@example.org", "a-1"), imported(held.EmailKey, ""), imported("new@example.org", "n-1"),
			imported("new@example.org", "n-1"), imported("new@example.org", "n-2"), imported("other@example.org", "n-1"), imported("more@example.org", ""),
			imported("again@example.org", ""),
		}
		want := []models.ImportOutcome{
			models.ImportPresent, models.ImportPresent, models.ImportAddressTaken,
			models.ImportExternalIDTaken, models.ImportAddressHeld, models.ImportCreated,
			models.ImportPresent, models.ImportAddressTaken, models.ImportExternalIDTaken, models.ImportCreated,
			models.ImportCreated,
		}
		users := count(t, s, "SELECT count(*) FROM users")
		var seen models.ImportSeen
		var dry []models.ImportOutcome
		for _, n := range list { // one at a time: a dry run remembers
			got, err := s.JudgeImport(t.Context(), []models.ImportedUser{n}, noon, &seen)
			if err != nil {
				t.Fatal(err)
			}
			dry = append(dry, got...)
		}
		if !slices.Equal(dry, want) || count(t, s, "SELECT count(*) FROM users") != users {
			t.Errorf("judged\n%v, want\n%v", dry, want)
		}
		if got := runImport(t, s, list...); !slices.Equal(got, want) {
			t.Errorf("imported\n%v, want\n%v", got, want)
		}
		if n := count(t, s, "SELECT count(*) FROM users") - users; n != 3 {
			t.Errorf("%d accounts were created", n)
		}
		if u := user(t, s, there.User); u.ExternalID != "a-1" || !u.UpdatedAt.Equal(noon) {
			t.Errorf("%+v", u)
		}
		// After its time the address is free.
		got, err := s.ImportUsers(t.Context(), []models.ImportedUser{imported(held.EmailKey, "")}, noon.Add(holdFor+time.Hour))
		if err != nil || got[0] != models.ImportCreated {
			t.Errorf("a former address after its time: %v, %v", got, err)
		}
	})
}

func TestImportsThatRaceCreateEachAccountOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		const accounts, imports = 40, 6
		created := make([]int, imports)
		var fns []func() error
		for i := range imports {
			var list []models.ImportedUser
			for j := range accounts {
				n := imported(fmt.Sprintf("u%d@example.org", (i*7+j)%accounts), fmt.Sprintf("id-%d", (i*7+j)%accounts))
				n.TOTP = []byte("sealed")
				list = append(list, n)
			}
			fns = append(fns, func() error {
				got, err := s.ImportUsers(t.Context(), list, noon)
				for _, outcome := range got {
					switch outcome {
					case models.ImportCreated:
						created[i]++
					case models.ImportPresent:
					default:
						err = fmt.Errorf("outcome %d", outcome)
					}
				}
				return err
			})
		}
		total := 0
		for i, err := range racers(fns...) {
			if err != nil {
				t.Error(err)
			}
			total += created[i]
		}
		if total != accounts {
			t.Errorf("%d accounts were created", total)
		}
		for table, want := range map[string]int{"users": accounts, "factors": accounts, "events": accounts} {
			if n := count(t, s, "SELECT count(*) FROM "+table); int(n) != want {
				t.Errorf("%d rows of %s", n, table)
			}
		}
	})
}

func TestWeakHashesGoAfterTheirTime(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		until := noon.Add(90 * day)
		var list []models.ImportedUser
		for i := range 5 {
			n := imported(fmt.Sprintf("u%d@example.org", i), "")
			if i > 0 {
				n.User.WeakUntil = &until
			}
			list = append(list, n)
		}
		runImport(t, s, list...)
		// One owner signed in, one chose another password.
		in := signIn(list[1].User.ID, models.KindBrowser, "browser", noon)
		in.Verified, in.Rehashed = importedHash, "$argon2id$1"
		add(t, s, in)
		if _, err := s.ChangePassword(t.Context(), models.PasswordChange{UserID: list[2].User.ID, Hash: "$argon2id$2", At: noon, Event: event(models.EventPasswordReset, list[2].User.ID, noon)}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			at   time.Time
			want int64
		}{{until.Add(-time.Second), 0}, {until, 2}, {until.Add(day), 0}} {
			if n, err := s.DropWeakHashes(t.Context(), "imported:", "!", event(models.EventPasswordDropped, uuid.Nil, step.at)); err != nil || n != step.want {
				t.Errorf("at %v: %d dropped, %v", step.at, n, err)
			}
		}
		for i, want := range []string{importedHash, "$argon2id$1", "$argon2id$2", "!", "!"} {
			if u := user(t, s, list[i].User); u.PasswordHash != want || u.WeakUntil != nil {
				t.Errorf("account %d: %q, weak until %v", i, u.PasswordHash, u.WeakUntil)
			}
			told, err := s.EventsOfKinds(t.Context(), list[i].User.ID, []models.EventFilter{{Kind: models.EventPasswordDropped}}, models.EventCursor{}, 10)
			if err != nil || (len(told) == 1) != (want == "!") || len(told) == 1 && !told[0].At.Equal(until) {
				t.Errorf("account %d: %+v, %v", i, told, err)
			}
		}
	})
}
