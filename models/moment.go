package models

import (
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// moment is a place in the order in which an account got its devices and factors. Where both places have a number, the numbers decide: the
// clocks of two replicas differ, and a clock can be set back. A row of an earlier release has none; then time decides, and what is of the very
// same time counts as later, because the server cannot tell which was first.
type moment struct {
	seq int64 // 0: not known
	at  time.Time
}

// moment is when the device signed in.
func (d Device) moment() moment { return moment{d.Seq, d.CreatedAt} }

// devices holds for the devices that signed in at the moment or later: for the moment of a device, also for that one.
func (m moment) devices() rowCondition {
	at := dbTime(m.at)
	if m.seq == 0 {
		return rowCondition{"created_at >= ?", []any{at}}
	}
	return rowCondition{"(seq >= ? OR seq = 0 AND created_at >= ?)", []any{m.seq, at}}
}

// factors holds for the factors that were added at the moment or later, and for recovery codes that were made since, whatever confirmed them.
func (m moment) factors() rowCondition {
	at := dbTime(m.at)
	since := rowCondition{"(since >= ? OR kind = ? AND created_at >= ?)", []any{at, FactorRecoveryCode, at}}
	if m.seq == 0 {
		return since
	}
	return rowCondition{"(seq >= ? OR seq = 0 AND " + since.sql + ")", append([]any{m.seq}, since.args...)}
}

// nextSeq is the place of what an account gets now. The caller has locked the user's row.
func nextSeq(tx *gorm.DB, userID uuid.UUID) (seq int64, err error) {
	err = tx.Raw(`SELECT 1 + coalesce(max(seq), 0) FROM (SELECT max(seq) AS seq FROM devices WHERE user_id = ?
		UNION ALL SELECT max(seq) AS seq FROM factors WHERE user_id = ?) AS had`, userID, userID).Scan(&seq).Error
	return seq, err
}
