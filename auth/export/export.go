// Package export lets people read everything that is stored of their account.
package export

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

const (
	dataPage     = 500 // rows in memory at a time
	dataPageTime = 10 * time.Second
)

// Service exports accounts. It is safe for concurrent use.
type Service struct {
	store   *models.Store
	clock   auth.Clock
	idle    auth.Idle
	confirm *confirm.Service
	running *ratelimit.PerAccount
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, idle auth.Idle, confirm *confirm.Service) *Service {
	return &Service{store: store, clock: clock, idle: idle, confirm: confirm, running: ratelimit.NewPerAccount(ratelimit.MaxDownloads)}
}

// Data reads everything that is stored of an account, one page at a time.
type Data struct {
	User  models.User
	Live  models.Liveness // at the time of the request
	store *models.Store
	end   func() // ends the download's turn
}

// Close ends the download, so that others can start. It must be called.
func (a *Data) Close() { a.end() }

// Start lets a person who confirms it read everything that is stored of the account. A stolen cookie alone must not be enough. The
// activity records the download before anything is read. Start returns KindInvalidRequest (of current_password and code), the
// errors of confirm.Service.Act, or KindSignedOut.
func (s *Service) Start(ctx context.Context, by *browser.Session, c confirm.Confirmation) (*Data, error) {
	var data *Data
	err := s.confirm.Act(ctx, by, c, func(p models.Proof) (err error) {
		data, err = s.start(ctx, by, c.From, p)
		return err
	})
	return data, err
}

func (s *Service) start(ctx context.Context, by *browser.Session, from auth.Caller, p models.Proof) (*Data, error) {
	end, err := s.running.Begin(by.User.ID)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	e := auth.Limited(auth.NewEvent(models.EventDataDownloaded, by.User.ID, from, now), ratelimit.DownloadLimit)
	e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: by.Device.ID, Valid: true}, by.Device.Name
	err = s.store.AddConfirmedEvent(ctx, e, p)
	if errors.Is(err, models.ErrChanged) && s.gone(ctx, by) {
		err = &auth.Error{Kind: auth.KindSignedOut, Message: "You’re signed out.", Cause: err}
	}
	if err != nil {
		end()
		return nil, err
	}
	return &Data{User: by.User, store: s.store, Live: s.idle.Live(now), end: end}, nil
}

// gone reports whether the account was deleted or disabled since its session was read.
func (s *Service) gone(ctx context.Context, by *browser.Session) bool {
	u, err := s.store.UserByID(ctx, by.User.ID)
	return errors.Is(err, models.ErrNotFound) || err == nil && u.DisabledAt != nil
}

// FormerAddresses returns the former addresses of the account that are stored.
func (a *Data) FormerAddresses(ctx context.Context) ([]models.FormerAddress, error) {
	ctx, done := context.WithTimeout(ctx, dataPageTime)
	defer done()
	return a.store.FormerAddresses(ctx, a.User.ID)
}

// Factors returns the factors of the account.
func (a *Data) Factors(ctx context.Context) ([]models.Factor, error) {
	ctx, done := context.WithTimeout(ctx, dataPageTime)
	defer done()
	return a.store.Factors(ctx, a.User.ID)
}

// TrustedBrowsers returns the trusted browsers of the account.
func (a *Data) TrustedBrowsers(ctx context.Context) ([]models.TrustedBrowser, error) {
	ctx, done := context.WithTimeout(ctx, dataPageTime)
	defer done()
	return a.store.TrustedBrowsers(ctx, a.User.ID, a.Live.Now)
}

// Devices calls page with all stored devices, live or not, oldest first.
func (a *Data) Devices(ctx context.Context, page func([]models.Device) error) error {
	for after := uuid.Nil; ; {
		reading, done := context.WithTimeout(ctx, dataPageTime)
		list, err := a.store.Devices(reading, a.User.ID, after, dataPage)
		done()
		if err != nil || len(list) == 0 {
			return err
		}
		if err := page(list); err != nil || len(list) < dataPage {
			return err
		}
		after = list[len(list)-1].ID
	}
}

// Events calls page with all stored events, newest first.
func (a *Data) Events(ctx context.Context, page func([]models.Event) error) error {
	for cursor := (models.EventCursor{}); ; {
		reading, done := context.WithTimeout(ctx, dataPageTime)
		list, err := a.store.Events(reading, a.User.ID, cursor, dataPage)
		done()
		if err != nil || len(list) == 0 {
			return err
		}
		if err := page(list); err != nil || len(list) < dataPage {
			return err
		}
		last := list[len(list)-1]
		cursor = models.EventCursor{At: last.At, ID: last.ID}
	}
}
