package operator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/client"
	"latchkey/models"
)

// NewUser is an account that a backend creates. With neither a password nor an invitation no one knows its password: its owner chooses one through the page
// /forgot.
type NewUser struct {
	Email         string
	EmailVerified bool // the backend has verified the e-mail address
	Password      string
	Invite        bool // mail a link to choose a password
	ExternalID    string
	Metadata      json.RawMessage // a JSON object; empty: none
}

// Create creates an account. Under a key of the client's own it makes one account only: when a request comes again within a day, Create returns
// the account that the first one made. An empty key is no key. It returns KindInvalidRequest, KindEmailTaken, KindExternalID, KindKeyReused if the
// client asked for something else under the key, KindNotFound if the account that it made is gone,
// and KindInsufficientScope for a password without client.CredentialsWrite.
func (b Backend) Create(ctx context.Context, n NewUser, key string) (models.User, error) {
	if n.Password != "" {
		if err := b.Needs(client.CredentialsWrite); err != nil {
			return models.User{}, err
		}
	}
	metadata, err := b.checkNew(ctx, n, key)
	if err != nil {
		return models.User{}, err
	}
	a := account.NewAccount{
		Email: n.Email, Password: n.Password, Role: models.RoleUser, Invited: n.Invite, EmailVerified: n.EmailVerified,
		ExternalID: n.ExternalID, Metadata: string(metadata),
	}
	if key != "" {
		at := b.s.clock.Now()
		k, request := sha256.Sum256([]byte(key)), n.fingerprint(metadata)
		a.Creation = &models.Creation{ClientID: b.ID, Key: k[:], Request: request[:], CreatedAt: at}
	}
	a.NoPassword = a.Password == ""
	if a.Creation != nil { // a repeated request hashes no password
		if made, err := b.s.store.Created(ctx, *a.Creation); err != nil || made != uuid.Nil {
			return b.made(ctx, made, err)
		}
	}
	if !a.NoPassword { // people who sign in wait for the same processors: a backend takes one at a time
		select {
		case b.s.creating <- struct{}{}:
			defer func() { <-b.s.creating }()
		case <-ctx.Done():
			return models.User{}, ctx.Err()
		}
	}
	u, err := b.s.accounts.CreateUser(ctx, a, func(u models.User) models.Event { return b.event(models.EventAccountCreated, u) })
	if errors.Is(err, models.ErrUsed) {
		return b.made(ctx, uuid.Nil, err)
	}
	if err == nil && n.Invite {
		b.s.notify.Wake()
	}
	return u, externalIDTaken(orNoAccount(err))
}

// made returns the account that a client made under a key before, or what is in the way.
func (b Backend) made(ctx context.Context, id uuid.UUID, err error) (models.User, error) {
	if errors.Is(err, models.ErrUsed) {
		return models.User{}, &auth.Error{Kind: auth.KindKeyReused, Message: "Another request was sent with this Idempotency-Key.", Cause: err}
	}
	if err != nil {
		return models.User{}, err
	}
	u, err := b.s.store.UserByID(ctx, id)
	return u, orNoAccount(err)
}

// checkNew checks a new account, and returns its metadata as they are stored.
func (b Backend) checkNew(ctx context.Context, n NewUser, key string) (metadata json.RawMessage, err error) {
	var bad auth.Fields
	if key != "" {
		bad.Refuse("Idempotency-Key", auth.ProblemWithText(key, auth.MaxExternalID))
	}
	if n.ExternalID != "" {
		bad.Refuse("external_id", auth.ProblemWithExternalID(n.ExternalID))
	}
	metadata, problem := auth.CompactMetadata(n.Metadata)
	bad.Refuse("metadata", problem)
	if n.Invite && n.Password != "" {
		bad.Refuse("invite", "Send a password or an invitation, not both.")
	}
	if n.Invite && !b.s.notify.Enabled() {
		bad.Refuse("invite", "This server sends no e-mail.")
	}
	if n.Password == "" {
		bad.Text("email", auth.TrimEmail(n.Email), auth.MaxEmail)
		if len(bad) == 0 {
			bad.Refuse("email", auth.ProblemWithEmail(auth.TrimEmail(n.Email)))
		}
		return metadata, bad.Err()
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if err := b.s.accounts.CheckNewAccount(n.Email, n.Password); err != nil {
		return nil, err
	}
	return metadata, b.s.accounts.JudgePassword(ctx, "password", n.Email, n.Password)
}

// fingerprint tells two requests apart. The password is not in it: a fast hash of it must not be stored.
func (n NewUser) fingerprint(metadata json.RawMessage) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %t %t %t %q %s", auth.TrimEmail(n.Email), n.EmailVerified, n.Password != "", n.Invite, n.ExternalID, metadata))
}
