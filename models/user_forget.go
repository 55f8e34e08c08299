package models

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Deleted is an account that is gone while some events may still lead to the person: work for FinishDeletion.
type Deleted struct {
	UserID    uuid.UUID
	Sealed    []byte `gorm:"column:box"` // the folded addresses that the account had, sealed by the caller of DeleteUser
	CreatedAt time.Time
}

// TableName is where gorm finds them.
func (Deleted) TableName() string { return "deleted_accounts" }

// DeletedAccounts lists up to limit accounts whose deletion is not finished, from behind the given one on.
func (s *Store) DeletedAccounts(ctx context.Context, after uuid.UUID, limit int) ([]Deleted, error) {
	var list []Deleted
	err := s.read(ctx).Where("user_id > ?", after).Order("user_id").Limit(limit).Find(&list).Error
	return list, wrapErr("list deleted accounts", err)
}

// FinishDeletion takes what leads to the person out of the events, in short transactions, and forgets the account with the last of
// them. It may be called again and again, by several replicas at once, until done is true; done is false when the context ended
// first. Without the account's addresses (nil) all but the support staff's searches for them is done, and the account stays listed.
func (s *Store) FinishDeletion(ctx context.Context, userID uuid.UUID, emailKeys []string) (done bool, err error) {
	var after uuid.UUID
	done, _, err = s.inBatches(ctx, func(tx *gorm.DB, limit int) (int64, error) {
		events, last, err := forgetEvents(tx, userID, after, limit)
		if err != nil || events >= int64(limit) {
			after = last
			return events, err
		}
		var left []Event // behind the place, when a transaction was tried twice
		if err := tx.Select("id").Where("user_id = ?", userID).Limit(1).Find(&left).Error; err != nil || len(left) > 0 {
			after = uuid.Nil
			return int64(limit), err
		}
		searches, err := s.forgetSearches(tx, userID, emailKeys, limit-int(events))
		if n := events + searches; err != nil || n >= int64(limit) || emailKeys == nil {
			return n, err
		}
		return events + searches, tx.Where("user_id = ?", userID).Delete(&Deleted{}).Error
	})
	return done, wrapErr("finish deletion", err)
}

// anonymous is what stays of an event of a deleted account: what happened on which day, for the numbers of all accounts together.
// Account, address, device, words and the time of day go; the latter because other logs could tell by it.
func anonymous(e Event) Event {
	return Event{UserID: uuid.Nil, ID: uuid.New(), At: e.At.UTC().Truncate(24 * time.Hour), Kind: e.Kind, Actor: e.Actor}
}

// forgetEvents makes up to limit events of an account anonymous, from behind the given one on, and takes the account out of the other's event where one is a look
// of the support staff's. No event is written of an account that is gone, so the range that was read is the range that is deleted.
// A list of ids would not do: PostgreSQL takes an account for a small one and reads all of its events for each batch.
func forgetEvents(tx *gorm.DB, userID, after uuid.UUID, limit int) (n int64, last uuid.UUID, err error) {
	var list []Event
	err = tx.Select("id", "at", "kind", "actor", "actor_id", "detail").Where("user_id = ? AND id > ?", userID, after).Order("id").Limit(limit).Find(&list).Error
	if err != nil || len(list) == 0 {
		return 0, after, err
	}
	kept := make([]Event, len(list))
	for i, e := range list {
		kept[i] = anonymous(e)
		if err := forgetLook(tx, userID, e); err != nil {
			return 0, after, err
		}
	}
	if err := tx.Create(&kept).Error; err != nil {
		return 0, after, err
	}
	last = list[len(list)-1].ID
	done := tx.Exec("DELETE FROM events WHERE user_id = ? AND id > ? AND id <= ?", userID, after, last)
	if done.Error == nil && done.RowsAffected != int64(len(list)) {
		return 0, after, fmt.Errorf("%d events were read and %d deleted", len(list), done.RowsAffected)
	}
	return int64(len(list)), last, done.Error
}

// forgetLook takes an account out of the other event of a look by the support staff: the one that was written together with this one,
// and so at the same moment, in the activity of the other party. That there was a look stays. The reason may name the person, so it goes
// from the staff's event, but stays in the activity of a person who was looked at.
func forgetLook(tx *gorm.DB, userID uuid.UUID, e Event) error {
	if e.Kind == EventSeenBySupport && e.ActorID.Valid {
		return tx.Exec("UPDATE events SET detail = '', reason = '' WHERE user_id = ? AND kind = ? AND at = ? AND detail = ?",
			e.ActorID.UUID, EventSupportLooked, e.At, userID.String()).Error
	}
	if person, err := uuid.Parse(e.Detail); e.Kind == EventSupportLooked && err == nil {
		return tx.Exec("UPDATE events SET actor_id = NULL WHERE user_id = ? AND kind = ? AND at = ? AND actor_id = ?",
			person, EventSeenBySupport, e.At, userID).Error
	}
	return nil
}

// forgetSearches takes an account's addresses and id out of up to limit searches of the support staff for each.
func (s *Store) forgetSearches(tx *gorm.DB, userID uuid.UUID, emailKeys []string, limit int) (forgotten int64, err error) {
	searched := `lower(detail COLLATE "C")`
	if s.dialect == "sqlite" {
		searched = "lower(detail)"
	}
	for _, text := range append([]string{userID.String()}, emailKeys...) {
		condition, args := KeyPrefix{Text: text}.where(searched)
		narrowed := text + SearchSeparator
		// The kind stands in the text: the index is of this kind only.
		done := tx.Exec("UPDATE events SET detail = '' WHERE (user_id, id) IN (SELECT user_id, id FROM events WHERE kind = '"+string(EventSupportSearched)+"' AND "+condition+
			" AND ("+searched+" = ? OR substr("+searched+", 1, ?) = ?) LIMIT ?)",
			append(args, text, utf8.RuneCountInString(narrowed), narrowed, limit-int(forgotten))...)
		if forgotten += done.RowsAffected; done.Error != nil || forgotten >= int64(limit) {
			return forgotten, done.Error
		}
	}
	return forgotten, nil
}
