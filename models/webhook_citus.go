package models

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// citusAddMessages is addMessages where events lie on all nodes and messages on the coordinator: no statement reads both. It reads the events
// in pages, and leaves out those that have their message.
func citusAddMessages(tx *gorm.DB, w Webhook, since, now time.Time) (written []WebhookMessage, err error) {
	var last Event
	for {
		q := tx.Model(&Event{}).Select("user_id", "id", "kind", "at").Where("at >= ? AND user_id > ?", dbTime(since), lastNoAccount)
		if w.Kinds != AllKinds {
			q = q.Where("kind IN ?", strings.Fields(w.Kinds))
		}
		if last.ID != uuid.Nil {
			q = q.Where("(at, id) > (?, ?)", dbTime(last.At), last.ID)
		}
		var page []Event
		if err := q.Order("at, id").Limit(queueBatch).Find(&page).Error; err != nil || len(page) == 0 {
			return written, err
		}
		fresh, err := withoutMessage(tx, w, page, now)
		if err != nil {
			return nil, err
		}
		fresh = fresh[:min(len(fresh), queueBatch-len(written))]
		if len(fresh) > 0 {
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
				return nil, err
			}
		}
		if written = append(written, fresh...); len(written) == queueBatch || len(page) < queueBatch {
			return written, nil
		}
		last = page[len(page)-1]
	}
}

// withoutMessage makes the messages of those events that have none.
func withoutMessage(tx *gorm.DB, w Webhook, page []Event, now time.Time) (fresh []WebhookMessage, err error) {
	keys := make([][]any, len(page))
	for i, e := range page {
		keys[i] = []any{e.UserID, e.ID}
	}
	var told []uuid.UUID
	if err := tx.Model(&WebhookMessage{}).Where("hook_id = ? AND (user_id, event_id) IN ?", w.ID, keys).Pluck("event_id", &told).Error; err != nil {
		return nil, err
	}
	for _, e := range page {
		if !slices.Contains(told, e.ID) {
			fresh = append(fresh, WebhookMessage{HookID: w.ID, UserID: e.UserID, EventID: e.ID, Kind: e.Kind, At: e.At, NextAt: dbTime(now)})
		}
	}
	return fresh, nil
}
