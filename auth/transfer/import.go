package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/password"
	"latchkey/auth/totp"
	"latchkey/models"
)

// WeakLife is how long a weak imported hash works while its owner does not sign in.
const WeakLife = 90 * 24 * time.Hour

// MaxBatch is how many records Import takes: what one transaction does well.
const MaxBatch = 500

// Options say how to import.
type Options struct {
	AcceptWeak bool               // take hashes below the floor of their format, for WeakLife
	Client     string             // of the operator's that imports, for the events; empty: the command line
	DryRun     *models.ImportSeen // only judge the records, also against those that were judged with it before; nil: import them
}

// Outcome is what became of a record. The words are part of the API.
type Outcome string

// The outcomes.
const (
	Created Outcome = "created"
	Present Outcome = "present" // an account with the address, and with the external id if the record has one, was there; it is unchanged
	Refused Outcome = "refused"
)

// Result is what became of one record.
type Result struct {
	Outcome Outcome
	UserID  uuid.UUID // of the account that was created
	Weak    string    // why the password hash of a record that was not refused is weak; empty: the hash is strong, or the record has no hash
	Reason  string    // why the record was refused: a field and what is wrong with it, never what it holds
}

// Import imports up to MaxBatch records in one transaction and returns a result for each. An account is created whole or not at all. An
// account that is there is not changed, so an import that was interrupted can run again. Errors are those of the database: no record
// was imported then.
func (s *Service) Import(ctx context.Context, records []Record, o Options) ([]Result, error) {
	if len(records) > MaxBatch {
		return nil, fmt.Errorf("transfer: more than %d records at once", MaxBatch)
	}
	now, results := s.clock.Now(), make([]Result, len(records))
	var list []models.ImportedUser
	var places []int // of the list's users in results
	for i, r := range records {
		n, weak, err := s.prepare(ctx, r, o, now)
		if refused := refusal(""); errors.As(err, &refused) {
			results[i] = Result{Outcome: Refused, Reason: string(refused)}
			continue
		} else if err != nil {
			return nil, err
		}
		results[i].Weak = weak
		list, places = append(list, n), append(places, i)
	}
	var outcomes []models.ImportOutcome
	var err error
	if o.DryRun != nil {
		outcomes, err = s.store.JudgeImport(ctx, list, now, o.DryRun)
	} else {
		outcomes, err = s.store.ImportUsers(ctx, list, s.clock.Now())
	}
	if err != nil {
		return nil, err
	}
	for j, outcome := range outcomes {
		r := &results[places[j]]
		switch r.Outcome, r.Reason = told(outcome); {
		case r.Outcome == Created && o.DryRun == nil:
			r.UserID = list[j].User.ID
		case r.Outcome != Created:
			r.Weak = ""
		}
	}
	return results, nil
}

// refusal is why a record is refused.
type refusal string

func (r refusal) Error() string { return string(r) }

// told says an outcome of the store.
func told(outcome models.ImportOutcome) (Outcome, string) {
	switch outcome {
	case models.ImportCreated:
		return Created, ""
	case models.ImportPresent:
		return Present, ""
	case models.ImportAddressTaken:
		return Refused, "email: an account with another external id has this e-mail address"
	case models.ImportAddressHeld:
		return Refused, "email: another account may still take this e-mail address back"
	case models.ImportExternalIDTaken:
		return Refused, "external_id: an account with another e-mail address has it"
	}
	return Refused, "the database answered in an unknown way"
}

// prepare makes the account of a record. Errors: a refusal, or the database's.
func (s *Service) prepare(ctx context.Context, r Record, o Options, now time.Time) (n models.ImportedUser, weak string, err error) {
	j, err := r.judge(now)
	if err != nil {
		return n, "", refusal(err.Error())
	}
	if weak = j.hash.Weak(); weak != "" && !o.AcceptWeak {
		return n, "", refusal("password_hash: weak: " + weak)
	}
	key, err := auth.EmailKey(ctx, s.store, j.email, now)
	if err != nil {
		return n, "", err
	}
	u := models.User{
		ID: models.NewID(now), Email: j.email, EmailKey: key, EmailVerified: r.EmailVerified, PasswordHash: password.None, Role: models.RoleUser,
		CreatedAt: now, ExternalID: r.ExternalID, Metadata: j.metadata,
	}
	if r.CreatedAt != nil {
		u.CreatedAt = *r.CreatedAt
	}
	if r.Disabled {
		u.DisabledAt = &now
	}
	if j.hasHash {
		u.PasswordHash = j.hash.Stored()
	}
	if weak != "" {
		until := now.Add(WeakLife)
		u.WeakUntil = &until
	}
	e := auth.NewEvent(models.EventAccountCreated, u.ID, auth.Caller{}, now)
	e.Actor, e.ActorClient = models.ActorOperator, o.Client
	n = models.ImportedUser{User: u, Event: e}
	if j.totp != nil {
		n.TOTP = totp.Seal(s.sealer, u.ID, j.totp)
	}
	return n, weak, nil
}
