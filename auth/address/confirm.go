package address

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
)

// Move is a change of address.
type Move struct{ From, To string }

// Find returns what a link would do, without using it. It returns KindDeadLink if the link cannot be used, and
// KindUsedLink together with the change if the account already has the address.
func (s *Service) Find(ctx context.Context, secret string) (Move, error) {
	_, user, p, err := s.find(ctx, secret)
	return Move{From: user.Email, To: p.Email}, err
}

// find reads a link whose account has not changed since the request. It reads twice, because another press of the button
// may use the link between its two queries.
func (s *Service) find(ctx context.Context, secret string) (link models.OneTime, user models.User, p pendingEmail, err error) {
	for range 2 {
		if link, user, p, err = s.read(ctx, secret); auth.AsError(err).Kind != auth.KindDeadLink {
			break
		}
	}
	return link, user, p, err
}

func (s *Service) read(ctx context.Context, secret string) (link models.OneTime, user models.User, p pendingEmail, err error) {
	link, user, err = s.notify.FindLink(ctx, notify.LinkEmail, secret)
	used := err != nil && auth.AsError(err).Kind == auth.KindUsedLink
	if err != nil && !used {
		return link, user, p, err
	}
	if p, err = s.open(link); err != nil {
		return link, user, p, &auth.Error{Kind: notify.ErrDeadLink.Kind, Message: notify.ErrDeadLink.Message, Cause: err}
	}
	if auth.SameEmail(user.EmailKey) == auth.SameEmail(p.Email) { // by this link, or by another one for the same address
		return link, user, p, notify.ErrUsedLink
	}
	if used || !p.fits(user) {
		return link, user, p, notify.ErrDeadLink
	}
	return link, user, p, nil
}

// open reads the address that is sealed in a link.
func (s *Service) open(link models.OneTime) (p pendingEmail, err error) {
	text, _, err := s.sealer.Open(emailRow(link.Hash), link.Payload)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read new address: %w", err)
	}
	return p, nil
}

// fits reports whether the account is as it was at the request.
func (p pendingEmail) fits(user models.User) bool {
	return user.LockedAt == nil && user.EmailKey == p.From && user.PasswordHash == p.Hash && user.FactorsVersion == p.Version
}

// Confirm uses the link and gives the account its new address. The old address gets a mail with a link that takes it
// back, and the new one gets a mail, too. Devices stay signed in. Known origins are kept: alerts about the owner's own browsers
// would train them to ignore alerts.
//
// The person need not be signed in, but must give the password again. A mistyped address is a stranger's, and with the account's
// address the stranger would have the account. Confirm returns KindDeadLink, KindUsedLink, KindWrongPassword,
// KindInvalidRequest, KindRateLimited, KindEmailTaken, KindNotAllowed after too many changes, or KindUnavailable; then nothing was
// changed.
func (s *Service) Confirm(ctx context.Context, secret, password string, from auth.Caller) (Move, error) {
	link, user, p, err := s.find(ctx, secret)
	move := Move{From: user.Email, To: p.Email}
	if err != nil {
		return move, err
	}
	var bad auth.Fields
	if bad.Text("password", password, auth.MaxPassword); bad.Err() != nil {
		return move, bad.Err()
	}
	if err := s.passwords.Confirm(ctx, user, password, from); err != nil {
		return move, err
	}
	key, err := auth.EmailKey(ctx, s.store, p.Email, s.clock.Now())
	if err != nil {
		return move, err
	}
	now := s.clock.Now()
	undo, takeBack := notify.NewLink(user.ID, "", "", now, notify.EmailUndoLife)
	tell := notify.NewNotification(notify.KindEmailChanged, from, now)
	tell.After = auth.MaskEmail(p.Email)
	left := s.notify.ComposeTo(user.Email, user.ID, tell)
	tell.Link, tell.Until = takeBack, undo.ExpiresAt
	news := notify.NewNotification(notify.KindEmailNew, from, now)
	news.Before, news.After = user.Email, p.Email
	err = s.store.ChangeEmail(ctx, models.EmailChange{
		Link: link.Hash, UserID: user.ID, From: p.From, Verified: p.Hash, Version: p.Version, Email: p.Email, EmailKey: key, At: now,
		Former: models.FormerAddress{
			Hash: undo.Hash, UserID: user.ID, Email: user.Email, EmailKey: user.EmailKey, CreatedAt: now, ExpiresAt: undo.ExpiresAt,
		},
		WayBack: func(f models.FormerAddress) (models.FormerAddress, models.MailWithLinks) {
			return s.newWayBack(f, tell, now)
		},
		Event:    auth.NewEvent(models.EventEmailChanged, user.ID, from, now),
		UndoMail: s.notify.ComposeTo(user.Email, user.ID, tell), LeftMail: left, NewMail: s.notify.ComposeTo(p.Email, user.ID, news),
	})
	if errors.Is(err, models.ErrDuplicate) {
		return move, &auth.Error{Kind: auth.KindEmailTaken, Message: "This e-mail address now belongs to another account or is reserved for one. Nothing was changed.", Cause: err}
	}
	if errors.Is(err, models.ErrTooManyWaysBack) {
		return move, &auth.Error{Kind: auth.KindNotAllowed, Message: "The e-mail address of this account was changed too often recently. Nothing was changed. Try again in a few days.", Cause: err}
	}
	if err == nil {
		s.notify.Wake()
	}
	return move, notify.UsedOrDead(err, func() error {
		_, err := s.Find(ctx, secret)
		return err
	})
}

// newWayBack makes a new way back to an address that the account had before its old one.
func (s *Service) newWayBack(f models.FormerAddress, tell notify.Notification, now time.Time) (models.FormerAddress, models.MailWithLinks) {
	link, secret := notify.NewLink(f.UserID, "", "", now, notify.EmailUndoLife)
	f.Hash, f.ExpiresAt = link.Hash, link.ExpiresAt
	tell.Link, tell.Until, tell.Again = secret, link.ExpiresAt, true
	return f, s.notify.ComposeTo(f.Email, f.UserID, tell)
}
