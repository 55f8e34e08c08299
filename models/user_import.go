package models

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
)

// ImportedUser is an account that comes from another system.
type ImportedUser struct {
	User  User   // CreatedAt may be long ago; ImportUsers fills in UpdatedAt, PasswordChangedAt and what follows from TOTP
	TOTP  []byte // the secret of its authenticator app, sealed by the caller; empty: it has none
	Event Event
}

// ImportOutcome is what became of one ImportedUser.
type ImportOutcome int

// The outcomes.
const (
	ImportCreated         ImportOutcome = iota
	ImportPresent                       // an account has the address, and the external id if one was given
	ImportAddressTaken                  // an account with another external id has the address
	ImportAddressHeld                   // another account may take the address back
	ImportExternalIDTaken               // an account with another address has the external id
)

// ImportSeen are the accounts that a dry run has seen, so that lines of one file are judged against one another. The zero value is ready.
type ImportSeen struct {
	idOf map[string]string // external ids, by folded address
	byID map[string]bool   // the external ids
}

func (s *ImportSeen) add(u User) {
	if s.idOf == nil {
		s.idOf, s.byID = map[string]string{}, map[string]bool{}
	}
	s.idOf[u.EmailKey] = u.ExternalID
	s.byID[u.ExternalID] = u.ExternalID != ""
}

// judge says what would become of an account, and adds it when it would be created.
func (s *ImportSeen) judge(u User, held []string) ImportOutcome {
	id, known := s.idOf[u.EmailKey]
	switch {
	case known && (u.ExternalID == "" || u.ExternalID == id):
		return ImportPresent
	case known:
		return ImportAddressTaken
	case s.byID[u.ExternalID]:
		return ImportExternalIDTaken
	case slices.Contains(held, u.EmailKey):
		return ImportAddressHeld
	}
	s.add(u)
	return ImportCreated
}

// ImportUsers creates accounts in one transaction, each whole or not at all, and returns what became of each. It changes no account that is
// there. The caller gives a few hundred at a time.
func (s *Store) ImportUsers(ctx context.Context, list []ImportedUser, at time.Time) (outcomes []ImportOutcome, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		if outcomes, err = judgeImport(tx, list, at, &ImportSeen{}); err != nil {
			return err
		}
		return createImported(tx, list, outcomes, at)
	})
	return outcomes, wrapErr("import users", err)
}

// JudgeImport says what would become of each account. It writes nothing.
func (s *Store) JudgeImport(ctx context.Context, list []ImportedUser, at time.Time, seen *ImportSeen) ([]ImportOutcome, error) {
	outcomes, err := judgeImport(s.read(ctx), list, at, seen)
	return outcomes, wrapErr("judge import", err)
}

func judgeImport(db *gorm.DB, list []ImportedUser, at time.Time, seen *ImportSeen) ([]ImportOutcome, error) {
	keys, ids := make([]string, len(list)), make([]string, 0, len(list))
	for i, n := range list {
		keys[i] = n.User.EmailKey
		if n.User.ExternalID != "" {
			ids = append(ids, n.User.ExternalID)
		}
	}
	held, err := heldKeys(db, keys, at)
	if err != nil {
		return nil, err
	}
	// Two statements: PostgreSQL would read the whole table for one with OR.
	for _, q := range []*gorm.DB{db.Where("email_key IN ?", keys), db.Where("external_id IN ? AND external_id <> ''", ids)} {
		var there []User
		if err := q.Select("email_key", "external_id").Find(&there).Error; err != nil {
			return nil, err
		}
		for _, u := range there {
			seen.add(u)
		}
	}
	outcomes := make([]ImportOutcome, len(list))
	for i, n := range list {
		outcomes[i] = seen.judge(n.User, held)
	}
	return outcomes, nil
}

// heldKeys are those of some folded addresses that accounts may take back.
func heldKeys(db *gorm.DB, keys []string, at time.Time) (held []string, err error) {
	err = db.Model(&FormerAddress{}).Where("email_key IN ? AND expires_at > ?", keys, dbTime(at)).Distinct().Pluck("email_key", &held).Error
	return held, err
}
