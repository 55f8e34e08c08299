package deletion

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

const (
	atOnce    = 200 * time.Millisecond // spent on the events before the response; enough for all but very many
	pollEvery = time.Minute            // how often a process looks for work that another one left
	pageSize  = 100
)

// Seal seals the addresses that a deleted account had, until they are removed from the events.
func (s *Service) Seal(user uuid.UUID, emailKeys []string) []byte {
	text, err := json.Marshal(emailKeys)
	if err != nil {
		return []byte{} // never: JSON can hold strings
	}
	return s.sealer.Seal(deletedRow(user), text)
}

func deletedRow(user uuid.UUID) []byte { return append([]byte("deleted account\x00"), user[:]...) }

// finish continues the work after a deletion until it is done or the context ends. If this process does not have the secret under
// which the addresses were sealed, opened is false, and the searches for the addresses are left to a process that has it.
func (s *Service) finish(ctx context.Context, d models.Deleted) (opened, done bool, err error) {
	var keys []string
	if text, _, err := s.sealer.Open(deletedRow(d.UserID), d.Sealed); err == nil {
		_ = json.Unmarshal(text, &keys) // never fails: Seal made it
	}
	done, err = s.store.FinishDeletion(ctx, d.UserID, keys)
	return keys != nil, done, err
}

// Finish continues the work after all deletions, of any process, until it is done or the context ends. It returns how many were
// sealed under a secret that this process does not have. Run calls it.
func (s *Service) Finish(ctx context.Context) (sealed int, err error) {
	for after := uuid.Nil; ; {
		list, err := s.store.DeletedAccounts(ctx, after, pageSize)
		if err != nil || len(list) == 0 {
			return sealed, err
		}
		for _, d := range list {
			opened, done, err := s.finish(ctx, d)
			if err != nil || !done {
				return sealed, err
			}
			if after = d.UserID; !opened {
				sealed++
			}
		}
	}
}

// finishSoon works for a short time, so that most accounts' events are anonymous before the response. Run does the rest.
func (s *Service) finishSoon(ctx context.Context, user uuid.UUID, emailKeys []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), atOnce)
	defer cancel()
	done, err := s.store.FinishDeletion(ctx, user, emailKeys)
	if err != nil {
		s.log.WarnContext(ctx, "the deletion of an account could not be finished at once", "error", err)
	}
	if !done {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Run finishes deletions until the context ends, including those in progress when the program stopped.
func (s *Service) Run(ctx context.Context) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	before, failing := 0, false // logs each once, not every minute
	for ctx.Err() == nil {
		sealed, err := s.Finish(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.log.WarnContext(ctx, "deletions could not be finished", "error", err)
		}
		if sealed > before {
			s.log.WarnContext(ctx, "deletions wait for a process that has the server secret under which they were begun", "accounts", sealed)
		}
		before, failing = sealed, err != nil
		select {
		case <-ctx.Done():
		case <-poll.C:
		case <-s.wake:
		}
	}
}
