package operator

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/ratelimit"
	"latchkey/auth/token"
	"latchkey/models"
)

// settled is how old a change must be to be listed. The time and the id of a row are made before its transaction commits: a younger row may
// still get an older neighbour, which a reader that is past both would never see.
const settled = 15 * time.Second

// MaxPage is how many accounts or events are in one answer.
const MaxPage = 500

// Backend does what a client of the operator's may do to accounts: it acts for the operator, and the events name the client. It cannot change
// accounts of the support staff. Ids are UUIDs in their canonical form; its methods return KindNotFound for others and for accounts that are gone, and
// KindNotAllowed for the support staff's.
type Backend struct {
	token.Backend

	s *Service
}

// Backend returns what a client may do. The caller has checked that it has the scope.
func (s *Service) Backend(who token.Backend) Backend { return Backend{who, s} }

var errNoAccount = &auth.Error{Kind: auth.KindNotFound, Message: "There is no such account."}

// Find returns an account by its id.
func (b Backend) Find(ctx context.Context, id string) (models.User, error) {
	key, ok := auth.ParseID(id)
	if !ok {
		return models.User{}, errNoAccount
	}
	u, err := b.s.store.UserByID(ctx, key)
	return u, orNoAccount(err)
}

// FindByEmail returns the account with an e-mail address.
func (b Backend) FindByEmail(ctx context.Context, email string) (models.User, error) {
	if auth.ProblemWithText(email, auth.MaxEmail) != "" {
		return models.User{}, errNoAccount
	}
	u, err := b.s.FindUser(ctx, email)
	return u, orNoAccount(err)
}

// FindByExternalID returns the account with an id of the backend's own.
func (b Backend) FindByExternalID(ctx context.Context, id string) (models.User, error) {
	if auth.ProblemWithExternalID(id) != "" {
		return models.User{}, errNoAccount
	}
	u, err := b.s.store.UserByExternalID(ctx, id)
	return u, orNoAccount(err)
}

func orNoAccount(err error) error {
	switch {
	case errors.Is(err, models.ErrNotFound):
		return errNoAccount
	case errors.Is(err, models.ErrStaff): // it has become one since it was read
		return errStaff
	}
	return err
}

// Changed lists up to limit accounts that changed after a cursor, the change that is longest ago first. A change is listed when it is settled:
// after 15 seconds.
func (b Backend) Changed(ctx context.Context, after models.UserCursor, limit int) ([]models.User, error) {
	return b.s.store.ChangedUsers(ctx, after, b.s.clock.Now().Add(-settled), limit)
}

// Events lists up to limit events of all accounts after a cursor, oldest first, each when it is settled: after 15 seconds. An event that counts several
// acts (models.Event.More) is listed once, as it is then. The events of a deleted account are not listed any more. next is where a later call goes on.
func (b Backend) Events(ctx context.Context, after models.EventCursor, limit int) (list []models.Event, next models.EventCursor, err error) {
	before := b.s.clock.Now().Add(-settled)
	list, err = b.s.store.EventsAfter(ctx, after, before, limit)
	switch {
	case len(list) > 0:
		next = models.EventCursor{At: list[len(list)-1].At, ID: list[len(list)-1].ID}
	case before.After(after.At): // what has no account, failures of strangers mostly, is not read again
		next = models.EventCursor{At: before}
	default:
		next = after
	}
	return list, next, err
}

// writable returns an account that a backend may change.
func (b Backend) writable(ctx context.Context, id string) (models.User, error) {
	u, err := b.Find(ctx, id)
	if err == nil && u.Role == models.RoleSupport {
		return u, errStaff
	}
	return u, err
}

var errStaff = &auth.Error{Kind: auth.KindNotAllowed, Message: "Accounts of the support staff can be changed on the command line only."}

func (b Backend) event(kind models.EventKind, u models.User) models.Event {
	return b.s.event(b.ID, kind, u.ID)
}

// BackendChange is what a backend changes of an account. What is nil stays.
type BackendChange struct {
	ExternalID *string          // empty: it has none
	Metadata   *json.RawMessage // a JSON object; empty or null: none
	Email      *string
	Disabled   *bool // a disabled account is signed out everywhere
}

// Change changes an account, in the order of the fields of BackendChange: the first two at once, then each by itself. After an error, what came before
// it stays changed. Change returns the account as it is afterwards. Beside the errors of Backend it returns KindInvalidRequest, KindExternalID,
// KindEmailTaken, and KindInsufficientScope for an e-mail address without client.CredentialsWrite.
func (b Backend) Change(ctx context.Context, id string, c BackendChange) (models.User, error) {
	if c.Email != nil {
		if err := b.Needs(client.CredentialsWrite); err != nil {
			return models.User{}, err
		}
	}
	u, err := b.writable(ctx, id)
	if err != nil {
		return u, err
	}
	fields := models.BackendChange{ExternalID: c.ExternalID}
	var bad auth.Fields
	if c.ExternalID != nil && *c.ExternalID != "" {
		bad.Refuse("external_id", auth.ProblemWithExternalID(*c.ExternalID))
	}
	if c.Metadata != nil {
		compact, problem := auth.CompactMetadata(*c.Metadata)
		bad.Refuse("metadata", problem)
		fields.Metadata = &compact
	}
	if err := bad.Err(); err != nil {
		return u, err
	}
	changed := fields.ExternalID != nil && *fields.ExternalID != u.ExternalID || fields.Metadata != nil && string(*fields.Metadata) != u.Metadata
	if changed {
		if err := externalIDTaken(orNoAccount(b.s.store.ChangeBackendFields(ctx, u.ID, fields, b.event(models.EventDetailsChanged, u)))); err != nil {
			return u, err
		}
	}
	if c.Email != nil && auth.TrimEmail(*c.Email) != u.Email {
		if err := b.s.setEmail(ctx, b.ID, u, *c.Email); err != nil {
			return u, orNoAccount(err)
		}
	}
	if c.Disabled != nil {
		if err := b.setDisabled(ctx, u, *c.Disabled); err != nil {
			return u, err
		}
	}
	return b.Find(ctx, id)
}

func (b Backend) setDisabled(ctx context.Context, u models.User, disabled bool) error {
	if disabled {
		_, err := b.s.disable(ctx, b.ID, u)
		return orNoAccount(err)
	}
	return orNoAccount(b.s.enable(ctx, b.ID, u))
}

// Delete deletes an account as Service.Delete does.
func (b Backend) Delete(ctx context.Context, id string) error {
	u, err := b.writable(ctx, id)
	if err != nil {
		return err
	}
	return b.s.deletions.DeleteByOperator(ctx, u, b.event(models.EventAccountDeleted, u))
}

// Devices lists the live devices of an account, the one that was active last first.
func (b Backend) Devices(ctx context.Context, id string) ([]models.Device, error) {
	u, err := b.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return b.s.store.LiveDevices(ctx, u.ID, b.s.idle.Live(b.s.clock.Now()))
}

// RevokeDevice signs one device of an account out. A device that is signed out stays so, without an error. It returns KindNotFound if the account has no
// such device.
func (b Backend) RevokeDevice(ctx context.Context, id, device string) error {
	u, err := b.writable(ctx, id)
	if err != nil {
		return err
	}
	key, ok := auth.ParseID(device)
	if !ok {
		return errNoDevice
	}
	e := b.event(models.EventDeviceRevoked, u)
	e.Detail = string(models.RevokedByOperator)
	_, _, err = b.s.store.RevokeDevice(ctx, models.DeviceKey{UserID: u.ID, ID: key}, e)
	if errors.Is(err, models.ErrNotFound) {
		return errNoDevice
	}
	return orNoAccount(err)
}

var errNoDevice = &auth.Error{Kind: auth.KindNotFound, Message: "The account has no such device."}

// RevokeDevices signs all devices of an account out, and returns how many.
func (b Backend) RevokeDevices(ctx context.Context, id string) (int64, error) {
	u, err := b.writable(ctx, id)
	if err != nil {
		return 0, err
	}
	n, err := b.s.signOutUser(ctx, b.ID, u)
	return n, orNoAccount(err)
}

// Factors lists the factors of an account, oldest first.
func (b Backend) Factors(ctx context.Context, id string) ([]models.Factor, error) {
	u, err := b.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return b.s.store.Factors(ctx, u.ID)
}

// ResetFactors removes all factors of an account, as Service.ResetFactors does.
func (b Backend) ResetFactors(ctx context.Context, id string) error {
	u, err := b.writable(ctx, id)
	if err != nil {
		return err
	}
	_, err = b.s.resetFactors(ctx, b.ID, u)
	return orNoAccount(err)
}

var errNoMail = &auth.Error{Kind: auth.KindNotAllowed, Message: "This server sends no e-mail."}

// SendPasswordReset mails the owner of an account a link to choose a new password. The present one stays good. It returns KindNotAllowed if the account is
// disabled or no mail is sent here, and KindRateLimited past ratelimit.ResetSentLimit.
func (b Backend) SendPasswordReset(ctx context.Context, id string) error {
	u, err := b.writable(ctx, id)
	switch {
	case err != nil:
		return err
	case !b.s.notify.Enabled():
		return errNoMail
	case u.DisabledAt != nil:
		return auth.Refuse(auth.KindNotAllowed, "The account is disabled.")
	}
	mail := b.s.accounts.PasswordResetMail(u, true, auth.Caller{})
	if u.Invited() {
		mail = b.s.accounts.InvitationMail(u)
	}
	err = orNoAccount(b.s.store.AddEventAndMail(ctx, auth.Limited(b.event(models.EventResetSent, u), ratelimit.ResetSentLimit), mail))
	if err == nil {
		b.s.notify.Wake()
	}
	return err
}

// RequirePasswordChange makes the owner of an account choose another password at the next sign-in. Devices stay signed in; browsers ask at once.
func (b Backend) RequirePasswordChange(ctx context.Context, id string) error {
	u, err := b.writable(ctx, id)
	if err != nil {
		return err
	}
	return orNoAccount(b.s.store.RequirePasswordChange(ctx, u.ID, b.event(models.EventPasswordChangeRequired, u)))
}

// externalIDTaken turns the store's error about an external id into one about the field.
func externalIDTaken(err error) error {
	if !errors.Is(err, models.ErrExternalID) {
		return err
	}
	message := "Another account has this external_id."
	return &auth.Error{Kind: auth.KindExternalID, Message: message, Fields: []auth.FieldProblem{{Field: "external_id", Detail: message}}, Cause: err}
}
