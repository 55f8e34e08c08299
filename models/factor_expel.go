package models

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// YoungFactor is how old a factor must be to survive a new password by mail, and the undoing of a change of address. It is as long as
// the owner has to answer the mail about the factor.
const YoungFactor = 7 * 24 * time.Hour

// FactorsGone is which factors an act removed beside what it is for.
type FactorsGone struct {
	Passkeys int
	App      bool
	Codes    bool // recovery codes that were not used
}

// None reports whether nothing was removed.
func (g FactorsGone) None() bool { return g == FactorsGone{} }

// The words of FactorsGone.String. They are stored in events and mails.
const (
	gonePasskeys = "passkeys="
	goneApp      = "app"
	goneCodes    = "codes"
)

// String is how events and mails store what was removed: "passkeys=2 app codes".
func (g FactorsGone) String() string {
	var words []string
	if g.Passkeys > 0 {
		words = append(words, gonePasskeys+strconv.Itoa(g.Passkeys))
	}
	if g.App {
		words = append(words, goneApp)
	}
	if g.Codes {
		words = append(words, goneCodes)
	}
	return strings.Join(words, " ")
}

// ParseFactorsGone reads what String wrote. It returns false for any other text.
func ParseFactorsGone(text string) (g FactorsGone, ok bool) {
	for word := range strings.FieldsSeq(text) {
		n, isPasskeys := strings.CutPrefix(word, gonePasskeys)
		switch {
		case isPasskeys:
			var err error
			if g.Passkeys, err = strconv.Atoi(n); err != nil || g.Passkeys < 1 {
				return FactorsGone{}, false
			}
		case word == goneApp:
			g.App = true
		case word == goneCodes:
			g.Codes = true
		default:
			return FactorsGone{}, false
		}
	}
	return g, !g.None()
}

func (g *FactorsGone) add(other FactorsGone) {
	g.Passkeys += other.Passkeys
	g.App, g.Codes = g.App || other.App, g.Codes || other.Codes
}

// expelFactors removes the factors that a thief may have added: those for which one of the conditions holds. With the last passkey or
// authenticator app the recovery codes go, too. It counts a change of factors even when it removes none, so that an addition that was
// decided before fails. When factors go, it writes an EventFactorRemoved beside the given event of the act. The caller has locked the
// user's row, and ends trusted browsers and challenges.
func expelFactors(tx *gorm.DB, userID uuid.UUID, act Event, which ...rowCondition) (gone FactorsGone, err error) {
	which = append(which, rowCondition{"kind = ? AND NOT " + hasSecondFactor, []any{FactorRecoveryCode, userID, FactorRecoveryCode}})
	for _, c := range which {
		some, err := deleteFactors(tx, userID, c)
		if err != nil {
			return gone, err
		}
		gone.add(some)
	}
	if err := countFactorsChange(tx, userID, act.At); err != nil || gone.None() {
		return gone, err
	}
	e := act
	e.UserID, e.ID, e.Kind, e.Detail, e.Limits = userID, uuid.Nil, EventFactorRemoved, gone.String(), nil
	e.DeviceID, e.DeviceName = uuid.NullUUID{}, ""
	return gone, addEvent(tx, e)
}

// rowCondition is a condition on rows of a table, with its parameters.
type rowCondition struct {
	sql  string
	args []any
}

// addedSince holds for factors that count as added at the given time or later. One of the very same moment goes: the server cannot tell
// who was first.
func addedSince(at time.Time) rowCondition {
	return rowCondition{"since >= ?", []any{dbTime(at)}}
}

// youngAt holds for factors that were younger than YoungFactor at the given time, and for all that were added later.
func youngAt(at time.Time) rowCondition {
	return rowCondition{"since > ?", []any{dbTime(at.Add(-YoungFactor))}}
}

// codesMadeSince holds for recovery codes that were made at the given time or later, whatever confirmed them.
func codesMadeSince(at time.Time) rowCondition {
	return rowCondition{"kind = ? AND created_at >= ?", []any{FactorRecoveryCode, dbTime(at)}}
}

func deleteFactors(tx *gorm.DB, userID uuid.UUID, c rowCondition) (gone FactorsGone, err error) {
	var rows []Factor
	err = tx.Raw("DELETE FROM factors WHERE user_id = ? AND ("+c.sql+") RETURNING kind, used_at", append([]any{userID}, c.args...)...).Scan(&rows).Error
	if err != nil {
		return gone, err
	}
	return factorsGone(rows)
}

// factorsGone counts factors by their kinds.
func factorsGone(list []Factor) (gone FactorsGone, err error) {
	for _, f := range list {
		switch f.Kind {
		case FactorPasskey:
			gone.Passkeys++
		case FactorTOTP:
			gone.App = true
		case FactorRecoveryCode:
			gone.Codes = gone.Codes || f.UsedAt == nil
		default:
			return gone, fmt.Errorf("a factor of kind %q was removed", f.Kind)
		}
	}
	return gone, nil
}

// countFactorsChange counts a change of factors and notes whether the account has a second factor.
func countFactorsChange(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	return tx.Exec("UPDATE users SET factors_version = factors_version + 1, second_factor = "+hasSecondFactor+", updated_at = ? WHERE id = ?",
		userID, FactorRecoveryCode, dbTime(at), userID).Error
}
