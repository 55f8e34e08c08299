// Package incident signs out many devices at once after a security incident: those that a filter selects. A preview counts them and is then confirmed
// by its id. The work goes in short transactions, one after the other, and survives the death of the process that does it: the operator's command
// calls Preview, Confirm and Work, and every server calls Run, which takes over an incident whose process has died.
package incident

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Service signs devices out. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	log    *slog.Logger
	notify *notify.Service
	hasher *ratelimit.Hasher
	worker string // the name of this process among those that may do the work
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, log *slog.Logger, notify *notify.Service, hasher *ratelimit.Hasher) *Service {
	return &Service{store: store, clock: clock, log: log, notify: notify, hasher: hasher, worker: rand.Text()}
}

// Request is what an operator asks for.
type Request struct {
	Filter       models.IncidentFilter
	RequireReset bool
	By           string // the operator, for the record
}

// Start says how to run a confirmed incident.
type Start struct {
	Over  time.Duration // spreads the work, up to MaxOver; 0: as fast as the batches allow
	Words string        // of the operator, for the mails to the owners; plain text without links, see auth.IncidentWords; may be empty
}

// PreviewLife is how long after it was made a preview can be confirmed.
const PreviewLife = 10 * time.Minute

// Confirm starts the incident of a preview. The request may repeat the preview's filter, or be empty. Confirm returns KindInvalidRequest for a
// Start that is not valid, KindNotFound for an unknown preview, and KindNotAllowed when the preview is too old or was confirmed, when the request asks for
// something else, and while another incident runs.
func (s *Service) Confirm(ctx context.Context, id uuid.UUID, r Request, how Start) (models.Incident, error) {
	preview, err := s.find(ctx, id)
	if err != nil {
		return preview, err
	}
	now := s.clock.Now()
	words, problem := auth.IncidentWords(how.Words)
	switch {
	case preview.State != models.IncidentPreview:
		return preview, refuse("%s was confirmed already: see latchkey incident show %s", id, id)
	case !auth.Fresh(preview.CreatedAt, now, PreviewLife):
		return preview, refuse("the preview %s is older than %d minutes: make another one", id, int(PreviewLife.Minutes()))
	case !isEmpty(r.Filter) && !equal(r.Filter, preview.Filter), r.RequireReset && !preview.RequireReset:
		return preview, refuse("this is not what the preview %s counted: give its id alone, or make another preview", id)
	case how.Over < 0 || how.Over > MaxOver:
		return preview, auth.InvalidField("--over", fmt.Sprintf("takes up to %d hours", int(MaxOver.Hours())))
	case problem != "":
		return preview, auth.InvalidField("--say", problem)
	}
	started, err := s.store.StartIncident(ctx, models.IncidentStart{ID: id, By: r.By, Over: how.Over, Words: words, At: now, Since: now.Add(-PreviewLife)})
	if errors.Is(err, models.ErrNotFound) {
		return preview, refuse("%s was confirmed already: see latchkey incident show %s", id, id)
	}
	return started, s.oneAtATime(ctx, err)
}

// MaxOver is the longest time that the work may be spread over: within models.IncidentLife, so that every owner is told.
const MaxOver = 3 * 24 * time.Hour

// Pause pauses a running incident between two batches. It returns KindNotFound, or KindNotAllowed for an incident that does not run.
func (s *Service) Pause(ctx context.Context, id uuid.UUID) (models.Incident, error) {
	if _, err := s.find(ctx, id); err != nil {
		return models.Incident{}, err
	}
	i, err := s.store.PauseIncident(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return i, refuse("%s does not run: see latchkey incident show %s", id, id)
	}
	return i, err
}

// Resume lets a paused incident run again. One that runs goes on. It returns KindNotFound, or KindNotAllowed for a preview, for an incident that is
// done, and while another one runs.
func (s *Service) Resume(ctx context.Context, id uuid.UUID) (models.Incident, error) {
	i, err := s.find(ctx, id)
	switch {
	case err != nil || i.State == models.IncidentRunning:
		return i, err
	case i.State != models.IncidentPaused:
		return i, refuse("%s is not paused: see latchkey incident show %s", id, id)
	}
	i, err = s.store.ResumeIncident(ctx, id)
	if errors.Is(err, models.ErrNotFound) { // another command was faster
		return s.find(ctx, id)
	}
	return i, s.oneAtATime(ctx, err)
}

// oneAtATime turns models.ErrDuplicate into a refusal that names the running incident. It returns every other error as it is.
func (s *Service) oneAtATime(ctx context.Context, err error) error {
	if !errors.Is(err, models.ErrDuplicate) {
		return err
	}
	running, other := s.store.RunningIncident(ctx)
	if other != nil {
		return err
	}
	return refuse("the incident %s runs, and one runs at a time: wait for it, or pause it", running.ID)
}

// List returns the incidents and the previews that can be confirmed, newest first.
func (s *Service) List(ctx context.Context) ([]models.Incident, error) {
	return s.store.Incidents(ctx, s.clock.Now().Add(-PreviewLife))
}

// Show returns an incident, and how many of its accounts have signed in since, on how many devices. It returns KindNotFound.
func (s *Service) Show(ctx context.Context, id uuid.UUID) (i models.Incident, back models.IncidentReturn, err error) {
	if i, err = s.find(ctx, id); err != nil {
		return i, back, err
	}
	back, err = s.store.IncidentReturn(ctx, i)
	return i, back, err
}

func (s *Service) find(ctx context.Context, id uuid.UUID) (models.Incident, error) {
	i, err := s.store.Incident(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return i, &auth.Error{Kind: auth.KindNotFound, Message: fmt.Sprintf("there is no incident and no preview %s", id), Cause: err}
	}
	return i, err
}

// refuse returns a KindNotAllowed for the operator.
func refuse(format string, args ...any) error {
	return auth.Refuse(auth.KindNotAllowed, fmt.Sprintf(format, args...))
}
