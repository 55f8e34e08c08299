package models

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Webhook is a system of the operator's that is told of events.
type Webhook struct {
	ID           string
	URL          string `gorm:"column:url"`
	Kinds        string // of events, with spaces between; AllKinds: all of them
	Secret       []byte // sealed by the caller
	FormerSecret []byte // sealed: signs as well until FormerUntil
	FormerUntil  *time.Time
	CreatedAt    time.Time
	ReadTo       time.Time  // events up to lateCommits before this have their messages
	DisabledAt   *time.Time // it answered that it is gone
}

// AllKinds stands for all kinds of event.
const AllKinds = "*"

// Wants reports whether the webhook is told of a kind.
func (w *Webhook) Wants(kind EventKind) bool {
	return w.Kinds == AllKinds || slices.Contains(strings.Fields(w.Kinds), string(kind))
}

// WebhookMessage is an event that a webhook is to be told of.
type WebhookMessage struct {
	HookID  string
	UserID  uuid.UUID
	EventID uuid.UUID
	Kind    EventKind
	At      time.Time
	NextAt  time.Time // when it may be sent next
	Tries   int64     // how often it was claimed
	DoneAt  *time.Time
}

// lateCommits is how much later than the time of an event its transaction may commit, by the clock of any replica.
const lateCommits = time.Minute

// MaxWaiting is how many messages may wait for one webhook. Then the oldest goes.
const MaxWaiting = 10_000

// AddWebhook adds a webhook. It is told of events from its CreatedAt on.
func (s *Store) AddWebhook(ctx context.Context, w Webhook) error {
	w.CreatedAt = dbTime(w.CreatedAt)
	w.ReadTo = w.CreatedAt
	return wrapErr("add webhook", s.write(ctx, func(db *gorm.DB) error { return db.Create(&w).Error }))
}

// Webhooks lists the webhooks, the oldest first.
func (s *Store) Webhooks(ctx context.Context) ([]Webhook, error) {
	var list []Webhook
	err := s.read(ctx).Order("created_at, id").Find(&list).Error
	return list, wrapErr("list webhooks", err)
}

// Webhook returns a webhook, or ErrNotFound.
func (s *Store) Webhook(ctx context.Context, id string) (Webhook, error) {
	var w Webhook
	err := s.read(ctx).Where("id = ?", id).Take(&w).Error
	return w, wrapErr("find webhook", err)
}

// RemoveWebhook removes a webhook and what waits for it. It returns ErrNotFound for an unknown id.
func (s *Store) RemoveWebhook(ctx context.Context, id string) error {
	return wrapErr("remove webhook", s.tx(ctx, func(tx *gorm.DB) error {
		done := tx.Where("id = ?", id).Delete(&Webhook{})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return tx.Where("hook_id = ?", id).Delete(&WebhookMessage{}).Error
	}))
}

// SetWebhookSecrets changes the secrets of a webhook whose secret is still the one that the caller read, and turns it on or off. One that was off is told
// of what happens from at on. SetWebhookSecrets returns ErrChanged otherwise.
func (s *Store) SetWebhookSecrets(ctx context.Context, w Webhook, read []byte, at time.Time) error {
	return wrapErr("set secrets of a webhook", s.write(ctx, func(db *gorm.DB) error {
		set := map[string]any{"secret": w.Secret, "former_secret": w.FormerSecret, "former_until": w.FormerUntil, "disabled_at": w.DisabledAt,
			"read_to":    gorm.Expr("CASE WHEN disabled_at IS NULL THEN read_to ELSE ? END", dbTime(at)),
			"created_at": gorm.Expr("CASE WHEN disabled_at IS NULL THEN created_at ELSE ? END", dbTime(at))}
		done := db.Model(&Webhook{}).Where("id = ? AND secret = ?", w.ID, read).UpdateColumns(set)
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrChanged)
		}
		return nil
	}))
}

// DisableWebhook stops telling a webhook, and forgets what waits for it.
func (s *Store) DisableWebhook(ctx context.Context, id string, at time.Time) error {
	return wrapErr("disable webhook", s.tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Model(&Webhook{}).Where("id = ?", id).UpdateColumn("disabled_at", dbTime(at)).Error; err != nil {
			return err
		}
		return tx.Where("hook_id = ? AND done_at IS NULL", id).Delete(&WebhookMessage{}).Error
	}))
}

// QueueWebhooks writes the messages of the events that happened since it was called last, for all webhooks, and returns how many old messages it
// dropped of webhooks for which more than MaxWaiting wait. An event whose transaction commits up to lateCommits after its time is not missed: the
// last moments are read again each time, and no event gets a second message. Events older than since are left out. Of many events it writes the
// messages of some, and of the next ones when it is called again. Replicas may call it at the same time. An error of one webhook stops no other.
func (s *Store) QueueWebhooks(ctx context.Context, now, since time.Time) (dropped int64, err error) {
	hooks, err := s.Webhooks(ctx)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, w := range hooks {
		if w.DisabledAt != nil {
			continue
		}
		for range queueBatches {
			n, full, err := s.queueWebhook(ctx, w.ID, now, since)
			dropped, errs = dropped+n, append(errs, err)
			if err != nil || !full {
				break
			}
		}
	}
	return dropped, wrapErr("queue messages of webhooks", errors.Join(errs...))
}

const (
	queueBatch   = 1000 // messages that one transaction writes: SQLite has one writer at a time
	queueBatches = 5
)

// queueWebhook writes up to queueBatch messages of one webhook, and reports whether there may be more.
func (s *Store) queueWebhook(ctx context.Context, id string, now, since time.Time) (dropped int64, full bool, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		// Its removal waits for this transaction, or came first: then it gets no message.
		var held []Webhook
		if err := tx.Raw("UPDATE webhooks SET read_to = read_to WHERE id = ? AND disabled_at IS NULL RETURNING *", id).Scan(&held).Error; err != nil || len(held) == 0 {
			return err
		}
		w := held[0]
		for _, later := range []time.Time{w.CreatedAt, w.ReadTo.Add(-lateCommits)} {
			if later.After(since) {
				since = later
			}
		}
		written, err := addMessages(tx, w, since, now)
		if err != nil {
			return err
		}
		readTo := dbTime(now)
		if full = len(written) == queueBatch; full {
			last := slices.MaxFunc(written, func(a, b WebhookMessage) int { return a.At.Compare(b.At) }).At
			if last = last.Add(lateCommits); last.Before(readTo) {
				readTo = last
			}
		}
		if err = tx.Model(&Webhook{}).Where("id = ? AND read_to < ?", w.ID, readTo).UpdateColumn("read_to", readTo).Error; err != nil || len(written) == 0 {
			return err
		}
		// What is told of a deletion cannot be found out in another way. PostgreSQL would compare each message with each if it joined the two: it does
		// not know how many there are until it next analyses the table.
		crowd := tx.Exec(`UPDATE webhook_messages SET done_at = ? WHERE hook_id = ? AND done_at IS NULL AND kind <> ? AND (at, event_id) <= (
			SELECT at, event_id FROM webhook_messages WHERE hook_id = ? AND done_at IS NULL ORDER BY at DESC, event_id DESC LIMIT 1 OFFSET ?)`,
			dbTime(now), w.ID, EventAccountDeleted, w.ID, MaxWaiting)
		dropped = crowd.RowsAffected
		return crowd.Error
	})
	return dropped, full, err
}

// addMessages writes the messages of up to queueBatch events that have none yet. With OFFSET, PostgreSQL looks for the message of each event by the
// primary key. It would otherwise compare each event with each message until it next analyses the table.
func addMessages(tx *gorm.DB, w Webhook, since, now time.Time) (written []WebhookMessage, err error) {
	if isCitus(tx) {
		return citusAddMessages(tx, w, since, now)
	}
	statement := `INSERT INTO webhook_messages (hook_id, user_id, event_id, kind, at, next_at)
		SELECT ?, user_id, id, kind, at, ? FROM events WHERE at >= ? AND user_id <> ?
		AND NOT EXISTS (SELECT 1 FROM webhook_messages AS m WHERE m.hook_id = ? AND m.user_id = events.user_id AND m.event_id = events.id LIMIT 1 OFFSET 0)`
	args := []any{w.ID, dbTime(now), dbTime(since), uuid.Nil, w.ID}
	if w.Kinds != AllKinds {
		statement, args = statement+" AND kind IN ?", append(args, strings.Fields(w.Kinds))
	}
	err = tx.Raw(statement+" ORDER BY at, id LIMIT ? ON CONFLICT DO NOTHING RETURNING at", append(args, queueBatch)...).Scan(&written).Error
	return written, err
}

// addDeletionMessages tells the webhooks of the deletion of an account, whose event names no account.
func addDeletionMessages(tx *gorm.DB, userID uuid.UUID, at time.Time) error {
	return tx.Exec(`INSERT INTO webhook_messages (hook_id, user_id, event_id, kind, at, next_at)
		SELECT id, ?, ?, ?, ?, ? FROM webhooks WHERE disabled_at IS NULL AND (kinds = '*' OR ' ' || kinds || ' ' LIKE ?)`,
		userID, NewID(at), EventAccountDeleted, at, at, "% "+string(EventAccountDeleted)+" %").Error
}

// DueWebhooks lists the webhooks with messages that are due.
func (s *Store) DueWebhooks(ctx context.Context, now time.Time) ([]Webhook, error) {
	var list []Webhook
	err := s.read(ctx).Where(`disabled_at IS NULL AND EXISTS (SELECT 1 FROM webhook_messages AS m WHERE m.hook_id = webhooks.id AND m.done_at IS NULL AND m.next_at <= ?)`,
		dbTime(now)).Order("id").Find(&list).Error
	return list, wrapErr("find messages of webhooks", err)
}

// DueWebhookMessages lists up to limit messages of a webhook that are due, the longest due first. A message is not due while an older one of its account
// waits.
func (s *Store) DueWebhookMessages(ctx context.Context, hookID string, now time.Time, limit int) ([]WebhookMessage, error) {
	var list []WebhookMessage
	// A subquery with LIMIT, because PostgreSQL would make a join of NOT EXISTS, and seconds of it while it does not know how many wait.
	err := s.read(ctx).Raw(`SELECT * FROM webhook_messages AS m WHERE hook_id = ? AND done_at IS NULL AND next_at <= ? AND event_id = (
		SELECT first.event_id FROM webhook_messages AS first WHERE first.hook_id = m.hook_id AND first.user_id = m.user_id AND first.done_at IS NULL
			ORDER BY first.at, first.event_id LIMIT 1) ORDER BY next_at, event_id LIMIT ?`, hookID, dbTime(now), limit).Scan(&list).Error
	return list, wrapErr("list messages of webhooks", err)
}

// ClaimWebhookMessage claims a message that is due. No other caller gets it before until. It returns ErrNotFound when another one has it.
func (s *Store) ClaimWebhookMessage(ctx context.Context, m WebhookMessage, now, until time.Time) (WebhookMessage, error) {
	var claimed []WebhookMessage
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw("UPDATE webhook_messages SET next_at = ?, tries = tries + 1 WHERE hook_id = ? AND user_id = ? AND event_id = ? AND done_at IS NULL AND next_at <= ? RETURNING *",
			dbTime(until), m.HookID, m.UserID, m.EventID, dbTime(now)).Scan(&claimed).Error
	})
	if err != nil || len(claimed) == 0 {
		return m, wrapErr("claim message of a webhook", orRefuse(err, ErrNotFound))
	}
	return claimed[0], nil
}

// FinishWebhookMessage marks a message as taken or given up.
func (s *Store) FinishWebhookMessage(ctx context.Context, m WebhookMessage, at time.Time) error {
	return s.updateMessage(ctx, m, "done_at", at)
}

// PostponeWebhookMessage makes a claimed message due again at until.
func (s *Store) PostponeWebhookMessage(ctx context.Context, m WebhookMessage, until time.Time) error {
	return s.updateMessage(ctx, m, "next_at", until)
}

func (s *Store) updateMessage(ctx context.Context, m WebhookMessage, column string, at time.Time) error {
	return wrapErr("update message of a webhook", s.write(ctx, func(db *gorm.DB) error {
		return db.Model(&WebhookMessage{}).Where("hook_id = ? AND user_id = ? AND event_id = ?", m.HookID, m.UserID, m.EventID).UpdateColumn(column, dbTime(at)).Error
	}))
}

// EventOf returns the event of a message, or ErrNotFound when it is gone with its account.
func (s *Store) EventOf(ctx context.Context, m WebhookMessage) (Event, error) {
	var e Event
	err := s.read(ctx).Where("user_id = ? AND id = ?", m.UserID, m.EventID).Take(&e).Error
	return e, wrapErr("find event", err)
}

// WaitingMessages counts what waits for all webhooks, and tells since when the oldest waits; the zero time: nothing does.
func (s *Store) WaitingMessages(ctx context.Context) (n int64, oldest time.Time, err error) {
	err = s.read(ctx).Model(&WebhookMessage{}).Where("done_at IS NULL").Count(&n).Error
	if err == nil && n > 0 {
		var first WebhookMessage
		err = s.read(ctx).Where("done_at IS NULL").Order("at").Limit(1).Find(&first).Error
		oldest = first.At
	}
	return n, oldest, wrapErr("count messages of webhooks", err)
}
