package factor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/passkey"
	"latchkey/models"
)

// StartPasskey begins the making of a passkey. It returns KindNotAllowed if the account has MaxPasskeys.
func (s *Service) StartPasskey(ctx context.Context, by *browser.Session) (start challenge.PasskeyStart, err error) {
	if !s.HasPasskeys() {
		return start, challenge.ErrNoPasskeys
	}
	o, err := s.Overview(ctx, by)
	if err != nil {
		return start, err
	}
	if len(o.Passkeys) >= MaxPasskeys {
		return start, auth.Refuse(auth.KindNotAllowed, fmt.Sprintf("An account can have at most %d passkeys. Remove one first.", MaxPasskeys))
	}
	options, session, err := s.passkeys.Creation(owner(by), challenge.Passkeys(o.Passkeys), s.clock.Now())
	if err != nil {
		return start, err
	}
	start.PublicKey, start.ExpiresIn = options, int64(SetUpLife/time.Second)
	start.Challenge, err = s.seal(passkeyRow, by.User.ID, session)
	return start, err
}

func owner(by *browser.Session) passkey.User {
	return passkey.User{ID: by.User.ID, Name: by.User.Email, DisplayName: by.User.Email}
}

// NewPasskey is a passkey that a browser has made.
type NewPasskey struct {
	Act
	Name       string // empty: one that says where it is kept
	Credential []byte // RegistrationResponseJSON (WebAuthn Level 3 §5.1)
	Challenge  string // of StartPasskey
	From       auth.Caller
}

// AddPasskey adds a passkey. It returns KindInvalidRequest (of name and new_passkey), KindInvalidChallenge, KindNotAllowed, and the
// errors of confirm.Service.Confirm.
func (s *Service) AddPasskey(ctx context.Context, by *browser.Session, n NewPasskey) (Added, error) {
	var bad auth.Fields
	n.Name = strings.TrimSpace(n.Name)
	if n.Name != "" {
		bad.Text("name", n.Name, MaxName)
	}
	if len(n.Credential) == 0 {
		bad.Refuse("new_passkey", "No passkey was created. Try again or use another browser.")
	}
	s.checkAct(&bad, by, n.Act)
	if err := bad.Err(); err != nil {
		return Added{}, err
	}
	if !s.HasPasskeys() {
		return Added{}, challenge.ErrNoPasskeys
	}
	session, err := s.unseal(passkeyRow, by.User.ID, n.Challenge)
	if err != nil {
		return Added{}, err
	}
	o, err := s.Overview(ctx, by)
	if err != nil {
		return Added{}, err
	}
	if len(o.Passkeys) >= MaxPasskeys {
		return Added{}, auth.Refuse(auth.KindNotAllowed, fmt.Sprintf("An account can have at most %d passkeys. Remove one first.", MaxPasskeys))
	}
	made, err := s.passkeys.FinishCreation(owner(by), session, n.Credential, s.clock.Now())
	if err != nil {
		return Added{}, &auth.Error{Kind: auth.KindInvalidRequest, Message: "The passkey couldn’t be added.", Cause: err,
			Fields: []auth.FieldProblem{{Field: "new_passkey", Detail: "This passkey can’t be used here. Try again or use another device."}}}
	}
	data, err := made.Record()
	if err != nil {
		return Added{}, err
	}
	f := models.Factor{
		Kind: models.FactorPasskey, Name: n.Name, Credential: made.ID, Data: data, SignCount: made.SignCount, Synced: passkey.Synced(made), BackedUp: made.BackedUp,
	}
	if f.Name == "" {
		f.Name = o.freeName(made.DefaultName())
	}
	return s.add(ctx, by, n.Act, f, n.From)
}

// freeName adds a number to a name that another passkey of the account has.
func (o Overview) freeName(name string) string {
	for n := 2; ; n++ {
		taken := false
		for _, f := range o.Passkeys {
			taken = taken || f.Name == name
		}
		if !taken {
			return name
		}
		base, _, _ := strings.Cut(name, " (")
		name = fmt.Sprintf("%s (%d)", base, n)
	}
}

// RenamePasskey gives a passkey another name. It is confirmed like a removal: otherwise a copied cookie could swap the names of two
// passkeys, and the owner would remove the wrong one. It returns KindInvalidRequest (of name), KindNotFound, KindRateLimited, and the
// errors of confirm.Service.Confirm.
func (s *Service) RenamePasskey(ctx context.Context, by *browser.Session, id, name string, c confirm.Confirmation, from auth.Caller) error {
	var bad auth.Fields
	name = strings.TrimSpace(name)
	bad.Text("name", name, MaxName)
	c.CheckForm(&bad, by.User)
	if err := bad.Err(); err != nil {
		return err
	}
	o, err := s.Overview(ctx, by)
	if err != nil {
		return err
	}
	f, ok := o.Passkey(id)
	if !ok {
		return errNoFactor
	}
	if f.Name == name {
		return nil
	}
	if _, err := s.confirm.Confirm(ctx, by, c); err != nil {
		return err
	}
	now := s.clock.Now()
	l := notify.NewNotification(notify.KindFactorRenamed, from, now)
	l.DeviceName, l.NewName, l.Factor = f.Name, name, string(f.Kind)
	e := auth.Limited(auth.NewEvent(models.EventFactorRenamed, by.User.ID, from, now), RenameLimit)
	err = s.store.RenameFactor(ctx, by.User.ID, f.ID, name, e, s.notify.ComposeNotMe(by.User.ID, l, ""))
	if errors.Is(err, models.ErrNotFound) {
		return errNoFactor
	}
	if err != nil {
		return changed(err)
	}
	s.notify.Wake()
	return nil
}
