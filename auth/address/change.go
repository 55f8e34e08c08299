package address

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

var errNoMail = &auth.Error{Kind: auth.KindNotFound, Message: "This service doesn’t send e-mail. Ask your administrator to change your e-mail address."}

// Request is a person's request for another address.
type Request struct {
	Email        string
	Confirmation confirm.Confirmation
}

// pendingEmail is an address that waits for its confirmation, with the account's address, password hash and version of factors at the
// time of the request: a thief who asked before the owner turned the second factor on must not get further. It is sealed in the link. Until
// it is confirmed, the address stays free.
type pendingEmail struct {
	Email, From, Hash string
	Version           int64
}

// Ask mails a link to the new address. Using the link gives the address to the account. An earlier link to another
// address ends; one to the same address stays good, because the form may have been sent twice.
//
// The response and its cost do not tell whether another account has the address or may take it back: a mail tells the address's
// owner instead. Ask returns KindInvalidRequest (of email, password and code), the errors of confirm.Service.Act, and KindNotFound if no
// mail is sent here.
func (s *Service) Ask(ctx context.Context, by *browser.Session, r Request) error {
	if !s.notify.Enabled() {
		return errNoMail
	}
	r.Email = auth.TrimEmail(r.Email)
	if err := checkNewEmail(by.User, r); err != nil {
		return err
	}
	return s.confirm.Act(ctx, by, r.Confirmation, func(p models.Proof) error {
		return s.ask(ctx, wanted{user: by.User, email: r.Email, from: r.Confirmation.From, proof: p})
	})
}

func checkNewEmail(user models.User, r Request) error {
	var bad auth.Fields
	checkEmail(&bad, user, r.Email)
	r.Confirmation.CheckForm(&bad, user)
	return bad.Err()
}

func checkEmail(bad *auth.Fields, user models.User, email string) {
	bad.Text("email", email, auth.MaxEmail)
	if len(*bad) == 0 {
		bad.Refuse("email", auth.ProblemWithEmail(email))
	}
	if len(*bad) == 0 && auth.SameEmail(email) == auth.SameEmail(user.EmailKey) {
		bad.Refuse("email", "This is already your e-mail address.")
	}
}

// wanted is another address that an account's owner has asked for and confirmed.
type wanted struct {
	user  models.User
	email string
	from  auth.Caller
	proof models.Proof
	app   *confirm.ActingApp // that asked for it; nil: the portal did
}

// ask counts the request and writes the mail, with the link or, if the address is taken or held, without.
func (s *Service) ask(ctx context.Context, w wanted) error {
	return s.gate.Query(ctx, func() error { return s.askInside(ctx, w) })
}

func (s *Service) askInside(ctx context.Context, w wanted) error {
	box, account := ratelimit.Mailbox(w.email), w.user.ID.String()
	err := s.limits.CountRequest(ctx, s.limits.Quota(ratelimit.MaxEmailMails, "email", box), s.limits.Quota(ratelimit.MaxEmailMailsByAccount, "email", box, account),
		s.limits.EmailAskedQuota(w.user), s.limits.NetworkQuota(w.from, ratelimit.MaxNetEmails, "email network"))
	if err != nil {
		return err
	}
	key, err := auth.EmailKey(ctx, s.store, w.email, s.clock.Now())
	if err != nil {
		return err
	}
	owner, err := s.store.UserByEmail(ctx, key)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	taken := err == nil
	held, language, err := s.store.AddressHeld(ctx, key, w.user.ID, s.clock.Now())
	if err != nil {
		return err
	}
	if taken {
		language = owner.Language
	}
	return s.writeLink(ctx, w, taken, held, language)
}

// writeLink writes the mail, with the link or, if the address is taken or held, without. In that case the link's secret never
// leaves this function. language is that of the account that has the address, or for which it is held.
func (s *Service) writeLink(ctx context.Context, w wanted, taken, held bool, language string) error {
	now, user := s.clock.Now(), w.user
	l := notify.NewNotification(notify.KindEmailConfirm, w.from, now)
	link, secret := notify.NewLink(user.ID, notify.LinkEmail, s.emailSubject(w.email), now, notify.EmailLife)
	text, err := json.Marshal(pendingEmail{Email: w.email, From: user.EmailKey, Hash: user.PasswordHash, Version: user.FactorsVersion})
	if err != nil {
		return fmt.Errorf("keep new address: %w", err)
	}
	link.Payload = s.sealer.Seal(emailRow(link.Hash), text)
	l.UserAgent = "" // the address may be a stranger's: it gets no text that a person wrote, not even the account's address
	l.Link, l.Until = secret, link.ExpiresAt
	if taken || held {
		l.Kind, l.Link, l.Language = notify.KindEmailTaken, "", language
	}
	if held && !taken {
		l.Kind = notify.KindEmailHeld
	}
	n := s.notify.ComposeTo(w.email, user.ID, l, link)
	n.Mail.Kind = string(notify.KindEmailConfirm) // the activity reports a failed mail by its kind, which must not tell whether the address is taken
	e := auth.NewEvent(models.EventEmailAsked, user.ID, w.from, now)
	if w.app != nil {
		e = w.app.Event(e)
	}
	return s.store.AskEmailChange(ctx, models.EmailRequest{
		UserID: user.ID, Proof: w.proof, At: now, Mail: n, Event: auth.Limited(e, ratelimit.AddressLimit),
	})
}

// emailSubject returns the subject of links to an address, which does not reveal the address.
func (s *Service) emailSubject(email string) string {
	return base64.RawURLEncoding.EncodeToString(s.limits.KeyedHash("email link", auth.FoldEmail(email)))
}

func emailRow(hash []byte) []byte { return append([]byte("email\x00"), hash...) }
