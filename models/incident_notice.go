package models

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// IncidentText is what the operator tells the people whose devices an incident ended. Without its row, no mail about the incident is
// written: it must be there before the first IncidentNotice.
type IncidentText struct {
	IncidentID uuid.UUID
	Words      string    // plain text without links, checked by auth.IncidentWords; empty: the mail has our words only
	At         time.Time // when the incident was dealt with: mails about it are written and sent for IncidentLife from then on
}

// IncidentLife is how long after an incident its mails are sent.
const IncidentLife = 7 * 24 * time.Hour

// IncidentNotice is an account that an incident signed out. One mail tells it; the row stays, so that there is no second one, until
// IncidentLife is over.
type IncidentNotice struct {
	IncidentID uuid.UUID
	UserID     uuid.UUID
	Devices    int64      // of the account, that the incident ended
	QueuedAt   time.Time  // when the first of them ended
	NextAt     *time.Time // when its mail may be written; nil: the mail was written
	Tries      int64      // how often the mail server put the mail off
}

// addIncidentText writes the text of an incident. A text that is there already stays as it is.
func addIncidentText(tx *gorm.DB, t IncidentText) error {
	t.At = dbTime(t.At)
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&t).Error
}

// addIncidentNotices notes accounts that are to be told of an incident, in the transaction that ends their devices. An account that is
// noted already gets the devices added; if its mail was written before, there is no second one. Of each notice it takes IncidentID,
// UserID, Devices and QueuedAt.
func addIncidentNotices(tx *gorm.DB, list []IncidentNotice) error {
	// Every caller locks in this order: no deadlock.
	list = slices.SortedStableFunc(slices.Values(list), func(a, b IncidentNotice) int {
		return cmp.Or(bytes.Compare(a.IncidentID[:], b.IncidentID[:]), bytes.Compare(a.UserID[:], b.UserID[:]))
	})
	var rows []IncidentNotice
	for _, n := range list {
		if last := len(rows) - 1; last >= 0 && rows[last].IncidentID == n.IncidentID && rows[last].UserID == n.UserID {
			rows[last].Devices += n.Devices // a statement cannot change a row twice
			continue
		}
		at := dbTime(n.QueuedAt)
		rows = append(rows, IncidentNotice{IncidentID: n.IncidentID, UserID: n.UserID, Devices: n.Devices, QueuedAt: at, NextAt: &at})
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "incident_id"}, {Name: "user_id"}},
		DoUpdates: clause.Set{{Column: clause.Column{Name: "devices"}, Value: gorm.Expr("incident_notices.devices + excluded.devices")}},
	}).CreateInBatches(rows, rowsAtOnce).Error
}
