package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"latchkey/models"
)

// EmailRequest is a person's wish for another address.
type EmailRequest struct {
	Email, Password string
	From            Caller
}

// pendingEmail is an address that waits for its confirmation, sealed beside the hash of the link, with what the account
// was when its owner asked. Until then the address stays free.
type pendingEmail struct{ Email, From, Hash string }

// AskEmailChange mails a link to the new address, whose use gives it to the account; an earlier link to another
// address ends, one to the same address stays good: the form may have been sent twice.
// Whether somebody has that address, or may still take it back, neither the answer tells nor what it costs: whoever reads
// its mail is told instead. Refusals: KindInvalidRequest (of email and password), KindWrongPassword, KindRateLimited,
// KindNotFound (no mail is sent here), KindUnavailable.
func (s *Service) AskEmailChange(ctx context.Context, by *Session, r EmailRequest) error {
	if !s.mailing() {
		return refuse(KindNotFound, "No mail is sent here. Ask whoever runs this service for another e-mail address.")
	}
	r.Email = TrimEmail(r.Email)
	if err := checkNewEmail(by.User, r); err != nil {
		return err
	}
	if err := s.confirmPassword(ctx, by.User, r.Password, r.From); err != nil {
		return err
	}
	err := s.door.query(ctx, func() error {
		box, account := mailbox(r.Email), by.User.ID.String()
		err := s.countRequest(ctx, quota{s.hide("email", box), maxEmailMails}, quota{s.hide("email", box, account), maxEmailMailsByAccount},
			quota{s.emailAsked(by.User), maxEmailAsked}, s.networkQuota(r.From, maxNetEmails, "email network"))
		if err != nil {
			return err
		}
		key, err := s.emailKey(ctx, r.Email)
		if err != nil {
			return err
		}
		_, err = s.store.UserByEmail(ctx, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		held, heldErr := s.store.AddressHeld(ctx, key, by.User.ID, s.now())
		if heldErr != nil {
			return heldErr
		}
		return s.askEmailChange(ctx, by.User, r, err == nil, held)
	})
	if errors.Is(err, models.ErrChanged) {
		return &Error{Kind: KindWrongPassword, Message: "Your password was changed meanwhile.", Cause: err}
	}
	if err == nil {
		s.kickMail()
	}
	return err
}

// emailAsked counts the addresses that an account asks for.
func (s *Service) emailAsked(user models.User) []byte {
	return s.hide("email account", user.ID.String())
}

func checkNewEmail(user models.User, r EmailRequest) error {
	var bad fields
	bad.text("email", r.Email, maxEmail)
	if len(bad) == 0 {
		bad.refuse("email", problemWithEmail(r.Email))
	}
	if len(bad) == 0 && sameEmail(r.Email) == sameEmail(user.EmailKey) {
		bad.refuse("email", "This is your e-mail address already.")
	}
	bad.text("password", r.Password, maxPassword)
	return bad.err()
}

// askEmailChange writes the mail: with the link, or to an address that cannot be had without. Nobody ever sees that link's secret.
func (s *Service) askEmailChange(ctx context.Context, user models.User, r EmailRequest, taken, held bool) error {
	now := s.now()
	l := letter(LetterEmailConfirm, r.From, now)
	link, secret := newLink(user.ID, linkEmail, s.emailSubject(r.Email), now, EmailLife)
	text, err := json.Marshal(pendingEmail{Email: r.Email, From: user.EmailKey, Hash: user.PasswordHash})
	if err != nil {
		return fmt.Errorf("keep new address: %w", err)
	}
	link.Box = s.boxes.seal(emailRow(link.Hash), text)
	l.UserAgent = "" // nothing that a person wrote goes to an address that may be a stranger's, their own address included
	l.Link, l.Until = secret, link.ExpiresAt
	if taken || held {
		l.Kind, l.Link = LetterEmailTaken, ""
	}
	if held && !taken {
		l.Kind = LetterEmailHeld
	}
	n := s.noticeTo(r.Email, user.ID, l, link)
	n.Mail.Kind = string(LetterEmailConfirm) // what becomes of the mail is told by its kind, and must tell nothing
	return s.store.AskEmailChange(ctx, models.EmailRequest{
		UserID: user.ID, Verified: user.PasswordHash, At: now, Event: limited(s.event(models.EventEmailAsked, user.ID, r.From, now), addressLimit), Notice: n,
	})
}

// emailSubject is the subject of links to one address. It does not tell the address.
func (s *Service) emailSubject(email string) string {
	return base64.RawURLEncoding.EncodeToString(s.hide("email link", foldEmail(email)))
}

func emailRow(hash []byte) []byte { return append([]byte("email\x00"), hash...) }

// noticeTo is notice for an address that is not, or not yet, or no longer the account's.
func (s *Service) noticeTo(address string, user uuid.UUID, l Letter, links ...models.OneTime) models.Notice {
	n := s.notice(user, l, links...)
	if n.Mail != nil {
		n.Mail.Recipient = address
	}
	return n
}
