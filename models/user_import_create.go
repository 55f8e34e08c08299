package models

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// createImported creates the accounts whose outcome is ImportCreated. Where another transaction was faster, it changes the outcome.
func createImported(tx *gorm.DB, list []ImportedUser, outcomes []ImportOutcome, at time.Time) error {
	var rows []User
	for i, n := range list {
		if outcomes[i] == ImportCreated {
			rows = append(rows, importedRow(n, at))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	// In one order, so that two imports of the same accounts do not deadlock.
	slices.SortFunc(rows, func(a, b User) int { return strings.Compare(a.EmailKey, b.EmailKey) })
	rows, err := claimAll(tx, rows, at)
	if err != nil {
		return err
	}
	made := map[uuid.UUID]bool{}
	if len(rows) > 0 {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return err
		}
		if made, err = madeUsers(tx, rows, at); err != nil {
			return err
		}
	}
	var late []ImportedUser
	var factors []Factor
	var events []Event
	for i, n := range list {
		switch {
		case outcomes[i] != ImportCreated:
		case !made[n.User.ID]:
			late = append(late, n)
		default:
			if len(n.TOTP) > 0 {
				app := Factor{Kind: FactorTOTP, Data: n.TOTP, CreatedAt: n.User.CreatedAt} // as old as the account
				factors = append(factors, FactorAddition{UserID: n.User.ID, Add: []Factor{app}, At: at}.rows(1)...)
			}
			n.Event.UserID, n.Event.ID, n.Event.At = n.User.ID, NewID(at), dbTime(at)
			events = append(events, n.Event)
		}
	}
	if err := createAll(tx, factors); err != nil {
		return err
	}
	if err := createAll(tx, events); err != nil {
		return err
	}
	return judgeLate(tx, list, outcomes, late, at)
}

// createAll creates rows in one statement, if there are any.
func createAll[Row any](tx *gorm.DB, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Create(&rows).Error
}

// importedRow is the row of an imported account. It changed just now, so that backends that follow changes see it.
func importedRow(n ImportedUser, at time.Time) User {
	u := n.User
	u.CreatedAt = dbTime(u.CreatedAt)
	u.PasswordChangedAt, u.UpdatedAt = u.CreatedAt, dbTime(at)
	u.DisabledAt, u.WeakUntil = dbTimeOrNil(u.DisabledAt), dbTimeOrNil(u.WeakUntil)
	if len(n.TOTP) > 0 {
		u.SecondFactor, u.FactorsVersion = true, 1
	}
	return u
}

// madeUsers returns the ids of those rows that were created. It takes back those whose address an account has left since it was looked up.
func madeUsers(tx *gorm.DB, rows []User, at time.Time) (made map[uuid.UUID]bool, err error) {
	ids, keys := make([]uuid.UUID, len(rows)), make([]string, len(rows))
	for i, u := range rows {
		ids[i], keys[i] = u.ID, u.EmailKey
	}
	held, err := heldKeys(tx, keys, at)
	if err != nil {
		return nil, err
	}
	if len(held) > 0 {
		if err := tx.Where("id IN ? AND email_key IN ?", ids, held).Delete(&User{}).Error; err != nil {
			return nil, err
		}
	}
	var found []uuid.UUID
	if err := tx.Model(&User{}).Where("id IN ?", ids).Pluck("id", &found).Error; err != nil {
		return nil, err
	}
	made = make(map[uuid.UUID]bool, len(found))
	for _, id := range found {
		made[id] = true
	}
	return made, nil
}

// judgeLate judges those again that another transaction was faster with.
func judgeLate(tx *gorm.DB, list []ImportedUser, outcomes []ImportOutcome, late []ImportedUser, at time.Time) error {
	if len(late) == 0 {
		return nil
	}
	again, err := judgeImport(tx, late, at, &ImportSeen{})
	if err != nil {
		return err
	}
	for j, n := range late {
		if again[j] == ImportCreated { // the account that was in the way is gone already: the caller may try again
			return ErrChanged
		}
		for i := range list {
			if list[i].User.ID == n.User.ID {
				outcomes[i] = again[j]
			}
		}
	}
	return nil
}
