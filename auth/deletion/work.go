package deletion

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

const (
	deletionAtOnce = 200 * time.Millisecond // of the work after a deletion is done before its answer: all of it, but for very many events
	deletionLook   = time.Minute            // how often a process looks for work that another one left
	deletionPage   = 100
)

// Seal seals the addresses that a deleted account had, until they are taken out of the events.
func (s *Service) Seal(user uuid.UUID, emailKeys []string) []byte {
	text, err := json.Marshal(emailKeys)
	if err != nil {
		return []byte{} // never: they are strings
	}
	return s.sealer.Seal(deletedRow(user), text)
}

func deletedRow(user uuid.UUID) []byte { return append([]byte("deleted account\x00"), user[:]...) }

// finish goes on with the work after a deletion until it is done or the context ends. Where the addresses were sealed under
// a secret that this process does not have, all but the searches for them is done, and the rest is left to one that has it.
func (s *Service) finish(ctx context.Context, d models.Deleted) (opened, done bool, err error) {
	var keys []string
	if text, _, err := s.sealer.Open(deletedRow(d.UserID), d.Sealed); err == nil {
		_ = json.Unmarshal(text, &keys) // never: it was sealed here
	}
	done, err = s.store.FinishDeletion(ctx, d.UserID, keys)
	return keys != nil, done, err
}

// Finish goes on with the work after all deletions, whichever process they were begun by, until it is done or the
// context ends. It tells how many were sealed under a secret that this process does not have. Run calls it.
func (s *Service) Finish(ctx context.Context) (sealed int, err error) {
	for after := uuid.Nil; ; {
		list, err := s.store.DeletedAccounts(ctx, after, deletionPage)
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

// finishSoon does what can be done at once of the work after a deletion, so that the events of most accounts are anonymous before
// the answer. What is left, Run does.
func (s *Service) finishSoon(ctx context.Context, user uuid.UUID, emailKeys []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deletionAtOnce)
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

// Run finishes deletions until the context ends, beginning with those that were under way when the program stopped.
func (s *Service) Run(ctx context.Context) {
	look := time.NewTicker(deletionLook)
	defer look.Stop()
	before, failing := 0, false // each is told once, not every minute
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
		case <-look.C:
		case <-s.wake:
		}
	}
}
