package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/mail"
	"latchkey/auth/tally"
	"latchkey/models"
)

// What became of mails about incidents.
const (
	IncidentWritten = "written"  // into the outbox
	IncidentSent    = "sent"     // the server took it
	IncidentPutBack = "put_back" // the server put it off: its account waits again
	IncidentSkipped = "skipped"  // the account is gone, disabled or not verified
	IncidentDropped = "dropped"  // models.IncidentLife was over before it could be sent
)

func newIncidentTally() *tally.Tally[string] {
	return tally.New(IncidentWritten, IncidentSent, IncidentPutBack, IncidentSkipped, IncidentDropped)
}

// Incidents counts what became of mails about incidents in this process.
func (s *Service) Incidents() *tally.Tally[string] { return s.incidents }

// IncidentRate returns how many mails about incidents may be sent in a minute, by all replicas together; 0: none.
func (s *Service) IncidentRate() int { return s.incidentRate }

// errPast says that a mail about an incident is not to be sent any more.
var errPast = errors.New("notify: the incident is past, or the account is not told any more")

// paceOf is how often a mail about an incident may be sent. A process looks for one every pollEvery, and may then send those of the time since.
func paceOf(perMinute int) models.Pace {
	return models.Pace{Every: time.Minute / time.Duration(perMinute), Burst: 2 * pollEvery}
}

// runIncidents writes and sends mails about incidents until the context ends, on a connection of its own: however slowly the server takes
// them, they hold up no other mail.
func (s *Service) runIncidents(ctx context.Context) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for ctx.Err() == nil {
		_, err := s.WriteIncidentMails(ctx)
		for more := err == nil; more && ctx.Err() == nil; {
			more, err = s.SendNextIncident(ctx)
			more = more && err == nil
		}
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "mails about an incident could not be written or read", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-poll.C:
		}
	}
}

// WriteIncidentMails fills the outbox with mails about incidents, up to models.MaxIncidentMails, and returns how many it wrote. At a rate of 0
// it writes none.
func (s *Service) WriteIncidentMails(ctx context.Context) (written int, err error) {
	for s.incidentRate > 0 && ctx.Err() == nil {
		done, err := s.store.WriteIncidentMails(ctx, s.clock.Now(), s.composeIncident)
		if err != nil {
			return written, err
		}
		s.incidents.Add(IncidentWritten, int64(done.Written))
		s.incidents.Add(IncidentSkipped, int64(done.Skipped))
		s.incidents.Add(IncidentDropped, int64(done.Dropped))
		written += done.Written
		if done == (models.IncidentSlice{}) {
			return written, nil
		}
	}
	return written, nil
}

// composeIncident makes the mail that tells an account of an incident. Its id follows from both, so that each attempt has the same
// Message-ID. What it tells is read when it is sent.
func (s *Service) composeIncident(a models.IncidentAccount) models.OutgoingMail {
	n := a.Notice
	m := models.OutgoingMail{ID: uuid.NewSHA1(n.IncidentID, n.UserID[:]), UserID: n.UserID, Kind: string(KindIncident)}
	text, _ := json.Marshal(Notification{Kind: KindIncident, At: a.Text.At, Incident: n.IncidentID}) // JSON can hold every field
	m.Sealed = s.sealer.Seal(mailRow(m.ID), text)
	return m
}

// SendNextIncident claims and sends the next due mail about an incident. It reports false if no mail about an incident is due, if another mail is, or if the rate
// allows none now.
func (s *Service) SendNextIncident(ctx context.Context) (claimed bool, err error) {
	if s.incidentRate <= 0 {
		return false, nil
	}
	now := s.clock.Now()
	m, err := s.store.ClaimIncidentMail(ctx, paceOf(s.incidentRate), now, now.Add(Lease))
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.sendMail(ctx, m)
}

// readIncident fills in what a mail about an incident tells an account.
func (s *Service) readIncident(ctx context.Context, user uuid.UUID, l *Notification) error {
	told, err := s.store.IncidentAccount(ctx, l.Incident, user, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return errPast
	}
	if err != nil {
		return err
	}
	account, err := s.store.UserByID(ctx, user)
	if errors.Is(err, models.ErrNotFound) || err == nil && account.DisabledAt != nil {
		return errPast
	}
	l.Words, l.Devices, l.Locked, l.Tries = told.Text.Words, told.Notice.Devices, account.LockedAt != nil, told.Notice.Tries
	return err
}

// dropIncident deletes a mail that is not to be sent any more.
func (s *Service) dropIncident(ctx context.Context, m models.OutgoingMail) error {
	s.incidents.Add(IncidentDropped, 1)
	return s.store.DeleteMail(ctx, m.ID)
}

// putBack lets the account of a mail that the server put off wait in the list again, for longer each time.
func (s *Service) putBack(ctx context.Context, m models.OutgoingMail, l Notification, cause error) error {
	s.incidents.Add(IncidentPutBack, 1)
	wait, level := Pause(l.Tries+1), slog.LevelWarn
	if errors.Is(cause, mail.ErrSettings) {
		level = slog.LevelError
	}
	s.log.Log(ctx, level, "a mail could not be sent", "mail", m.ID, "kind", m.Kind, "tries", l.Tries+1, "again_in", wait.Round(time.Second), "error", cause)
	return s.store.PutBackIncidentMail(ctx, m.ID, models.IncidentNotice{IncidentID: l.Incident, UserID: m.UserID}, s.clock.Now().Add(wait))
}

// DropIncidents forgets incidents whose mails are not sent any more. It returns how many rows it deleted.
func (s *Service) DropIncidents(ctx context.Context) (deleted int64, err error) {
	dropped, deleted, err := s.store.DropIncidents(ctx, s.clock.Now())
	s.incidents.Add(IncidentDropped, dropped)
	if dropped > 0 {
		s.log.WarnContext(ctx, "accounts were not told of an incident in time", "accounts", dropped)
	}
	return deleted, err
}

// WaitingIncidents counts, up to 10,000, the accounts that are to be told of an incident and whose mail is not in the outbox yet. It returns
// ErrUnavailable of package models.
func (s *Service) WaitingIncidents(ctx context.Context) (int64, error) {
	return s.store.WaitingIncidentNotices(ctx, mostCounted)
}
