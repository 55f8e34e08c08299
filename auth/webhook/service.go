package webhook

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"latchkey/auth"
	"latchkey/auth/seal"
	"latchkey/models"
)

// Request is one message, ready to be sent. Its headers are those of the specification.
type Request struct {
	URL       string
	ID        string // webhook-id
	Timestamp string // webhook-timestamp: seconds since 1970
	Signature string // webhook-signature
	Body      []byte // JSON
}

// Post sends a request and returns the status of the answer. It must not follow redirects. Its context ends after PostTime.
type Post func(ctx context.Context, r Request) (status int, err error)

// PostTime is how long a system may take to answer.
const PostTime = 5 * time.Second

// Service tells the operator's systems of events. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	sealer *seal.Sealer
	post   Post
	counts struct{ delivered, failed, givenUp, dropped atomic.Int64 }
}

// New returns the service. post may be nil: this process then tells no system by itself.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, sealer *seal.Sealer, post Post) *Service {
	return &Service{store: store, clock: clock, log: log, sealer: sealer, post: post}
}

// Counts are how the attempts of this process to tell systems ended.
type Counts struct {
	Delivered int64
	Failed    int64 // to be tried again
	GivenUp   int64 // after GiveUpAfter
	Dropped   int64 // past models.MaxWaiting
}

// Counts returns the counts since the process started.
func (s *Service) Counts() Counts {
	c := &s.counts
	return Counts{Delivered: c.delivered.Load(), Failed: c.failed.Load(), GivenUp: c.givenUp.Load(), Dropped: c.dropped.Load()}
}

// Waiting returns how many messages wait, and for how long the oldest has waited.
func (s *Service) Waiting(ctx context.Context) (n int64, age time.Duration, err error) {
	n, oldest, err := s.store.WaitingMessages(ctx)
	if err == nil && n > 0 {
		age = max(s.clock.Now().Sub(oldest), 0)
	}
	return n, age, err
}
