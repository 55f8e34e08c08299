package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/deliver"
	"latchkey/auth/notify"
	"latchkey/models"
)

// Each second a replica writes the messages of new events, and sends what is due. If a replica dies, its claim of a message expires and another one sends
// it: a message is sent once in normal operation, and rather twice than never when something fails. The receiver knows it by its id.
const (
	lease     = time.Minute // how long a claimed message is reserved for its replica
	pollEvery = time.Second
	batch     = 50
	senders   = 4 // messages that one process sends to one system at a time

	// GiveUpAfter is how old a message gets before it is given up.
	GiveUpAfter = 24 * time.Hour
)

// gone is the status with which a system says that it wants no more (410), as the specification has it.
const gone = 410

// Run tells the systems until the context ends. A system that is slow or down delays no other.
func (s *Service) Run(ctx context.Context) {
	if s.post == nil {
		return
	}
	deliver.Loop[models.Webhook]{
		Every: pollEvery, Due: s.due, ID: func(w models.Webhook) string { return w.ID }, Serve: s.tell,
		Blind: func(ctx context.Context, err error) {
			s.log.WarnContext(ctx, "messages of webhooks could not be read", "error", err)
		},
	}.Run(ctx)
}

// Send tells all systems of what is due now, and returns when that is done. Run does the same all the time.
func (s *Service) Send(ctx context.Context) error {
	due, err := s.due(ctx)
	for _, w := range due {
		s.tell(ctx, w)
	}
	return err
}

// due writes the messages of new events, and returns the webhooks with messages that are due.
func (s *Service) due(ctx context.Context) ([]models.Webhook, error) {
	now := s.clock.Now()
	dropped, queueErr := s.store.QueueWebhooks(ctx, now, now.Add(-GiveUpAfter))
	if dropped > 0 {
		s.counts.dropped.Add(dropped)
		s.log.ErrorContext(ctx, "too many messages waited for a webhook, so the oldest were dropped", "messages", dropped)
	}
	due, err := s.store.DueWebhooks(ctx, now) // what waits already is sent in any case
	return due, errors.Join(queueErr, err)
}

// tell sends a system its due messages until there are no more, or until one could not be delivered.
func (s *Service) tell(ctx context.Context, w models.Webhook) {
	for ctx.Err() == nil {
		due, err := s.store.DueWebhookMessages(ctx, w.ID, s.clock.Now(), batch)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "messages of webhooks could not be read", "webhook", w.ID, "error", err)
		}
		if err != nil || len(due) == 0 {
			return
		}
		if !deliver.All(ctx, due, senders, func(m models.WebhookMessage) bool { return s.send(ctx, w, m) }) {
			return
		}
	}
}

// send claims a message, sends it and records the result. It reports false if a later attempt is needed, or none will be.
func (s *Service) send(ctx context.Context, w models.Webhook, m models.WebhookMessage) bool {
	now := s.clock.Now()
	m, err := s.store.ClaimWebhookMessage(ctx, m, now, now.Add(lease))
	if errors.Is(err, models.ErrNotFound) {
		return true // another replica has it
	}
	if err != nil {
		s.log.WarnContext(ctx, "a message of a webhook could not be claimed", "webhook", w.ID, "error", err)
		return false
	}
	status, err := s.deliver(ctx, w, m)
	done := true
	switch {
	case errors.Is(err, models.ErrNotFound): // the event is gone with its account
		err = s.store.FinishWebhookMessage(ctx, m, now)
	case err == nil && status/100 == 2:
		s.counts.delivered.Add(1)
		err = s.store.FinishWebhookMessage(ctx, m, s.clock.Now())
	case err == nil && status == gone:
		s.log.ErrorContext(ctx, "a webhook answered that it is gone, so it is turned off", "webhook", w.ID)
		done, err = false, s.store.DisableWebhook(ctx, w.ID, s.clock.Now())
	default:
		if err == nil {
			err = fmt.Errorf("it answered %d", status)
		}
		done, err = false, s.postpone(ctx, w, m, err)
	}
	if err != nil {
		s.log.WarnContext(ctx, "the result of a message could not be written", "webhook", w.ID, "error", err)
	}
	return done && err == nil
}

// deliver sends a message within PostTime. When the program stops, a request in progress still gets that time.
func (s *Service) deliver(ctx context.Context, w models.Webhook, m models.WebhookMessage) (status int, err error) {
	e := models.Event{UserID: m.UserID, ID: m.EventID, At: m.At, Kind: m.Kind}
	if m.Kind != models.EventAccountDeleted {
		if e, err = s.store.EventOf(ctx, m); err != nil {
			return 0, err
		}
	}
	r, err := s.request(w, "msg_"+m.EventID.String(), message{Type: types[e.Kind], Timestamp: e.At.UTC(), Data: NewEvent(e)})
	if err != nil {
		return 0, err
	}
	return s.postNow(ctx, r)
}

func (s *Service) postNow(ctx context.Context, r Request) (status int, err error) {
	posting, cancel := context.WithTimeout(context.WithoutCancel(ctx), PostTime)
	defer cancel()
	return s.post(posting, r)
}

// Test sends a webhook a message of the type webhook.test, and returns the status of the answer. It returns KindNotFound.
func (s *Service) Test(ctx context.Context, id string) (status int, err error) {
	w, err := s.store.Webhook(ctx, id)
	if err != nil {
		return 0, orUnknown(err)
	}
	r, err := s.request(w, "msg_"+uuid.NewString(), message{Type: testType, Timestamp: s.clock.Now().UTC(), Data: map[string]string{"webhook_id": id}})
	if err != nil {
		return 0, err
	}
	return s.postNow(ctx, r)
}

// postpone makes a message that could not be delivered wait, or gives it up.
func (s *Service) postpone(ctx context.Context, w models.Webhook, m models.WebhookMessage, cause error) error {
	now := s.clock.Now()
	if now.After(m.At.Add(GiveUpAfter)) {
		s.counts.givenUp.Add(1)
		s.log.ErrorContext(ctx, "a webhook was never told of an event", "webhook", w.ID, "tries", m.Tries, "error", cause)
		return s.store.FinishWebhookMessage(ctx, m, now)
	}
	s.counts.failed.Add(1)
	wait := notify.Pause(m.Tries)
	s.log.WarnContext(ctx, "a webhook could not be told of an event", "webhook", w.ID, "tries", m.Tries, "again_in", wait.Round(time.Second), "error", cause)
	return s.store.PostponeWebhookMessage(ctx, m, now.Add(wait))
}
