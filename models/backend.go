package models

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// What an operator's backend does with accounts, and reads of them.

// Creation remembers what a client created under a key of its own.
type Creation struct {
	ClientID  string
	Key       []byte    // SHA-256 of the client's key
	Request   []byte    // SHA-256 of what was asked for
	Made      uuid.UUID // the account
	CreatedAt time.Time
}

// CreateUser is AddUser under a client's key, unless c is nil. Where the client made an account under the key before, CreateUser makes no other: it
// returns the id of that one, or ErrUsed if the client asked for something else then.
func (s *Store) CreateUser(ctx context.Context, u User, c *Creation, e Event, mails ...MailWithLinks) (id uuid.UUID, err error) {
	if c == nil {
		return u.ID, s.AddUser(ctx, u, e, mails...)
	}
	if id, err = s.Created(ctx, *c); id != uuid.Nil || err != nil {
		return id, err
	}
	row := *c
	row.Made, row.CreatedAt = u.ID, dbTime(c.CreatedAt)
	err = s.tx(ctx, func(tx *gorm.DB) error {
		// Of two requests at once the second one waits here for the first.
		done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			id, err := s.created(tx, *c)
			row.Made = id
			return err
		}
		return addUser(tx, u, e, mails...)
	})
	return row.Made, wrapErr("create user", err)
}

// Created returns the account that a client made under a key, which may be gone since, or uuid.Nil if it made none. It returns ErrUsed if the client asked for
// something else then.
func (s *Store) Created(ctx context.Context, c Creation) (uuid.UUID, error) {
	id, err := s.created(s.read(ctx), c)
	return id, wrapErr("find creation", err)
}

func (s *Store) created(db *gorm.DB, c Creation) (uuid.UUID, error) {
	var found []Creation
	err := db.Where("client_id = ? AND key = ?", c.ClientID, c.Key).Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return uuid.Nil, err
	}
	if len(found[0].Request) > 0 && !bytes.Equal(found[0].Request, c.Request) { // it goes with the account
		return uuid.Nil, ErrUsed
	}
	return found[0].Made, nil
}

// UserByExternalID finds an account by its id at the operator's backend, or returns ErrNotFound.
func (s *Store) UserByExternalID(ctx context.Context, id string) (User, error) {
	if citus, err := s.onCitus(ctx); err != nil || citus {
		if err != nil {
			return User{}, err
		}
		return s.userOn(ctx, "external_ids", "external_id", id)
	}
	var u User
	err := s.read(ctx).Where("external_id = ? AND external_id <> ''", id).Take(&u).Error
	return u, wrapErr("find user", err)
}

// UserCursor is a place in the list of accounts by their latest change; the zero value is its old end.
type UserCursor struct {
	UpdatedAt time.Time
	ID        uuid.UUID
}

// ChangedUsers lists up to limit accounts that changed after a cursor and before a moment, the change that is longest ago first.
func (s *Store) ChangedUsers(ctx context.Context, after UserCursor, before time.Time, limit int) ([]User, error) {
	var list []User
	err := s.read(ctx).Where("(updated_at, id) > (?, ?) AND updated_at < ?", dbTime(after.UpdatedAt), after.ID, dbTime(before)).
		Order("updated_at, id").Limit(limit).Find(&list).Error
	return list, wrapErr("list changed users", err)
}

// EventsAfter lists up to limit events of all accounts that are newer than a cursor and older than a moment, oldest first. Events of no account, and of
// deleted ones, are not among them.
func (s *Store) EventsAfter(ctx context.Context, after EventCursor, before time.Time, limit int) ([]Event, error) {
	citus, err := s.onCitus(ctx)
	if err != nil {
		return nil, err
	}
	ofAccounts, none := "user_id <> ?", uuid.Nil
	if citus {
		ofAccounts, none = "user_id > ?", lastNoAccount
	}
	var list []Event
	err = s.read(ctx).Where("(at, id) > (?, ?) AND at < ? AND "+ofAccounts, dbTime(after.At), after.ID, dbTime(before), none).Order("at, id").Limit(limit).Find(&list).Error
	return list, wrapErr("list events", err)
}

// BackendChange is what a backend changes of the fields that are its own. What is nil stays.
type BackendChange struct {
	ExternalID *string
	Metadata   *json.RawMessage // an object, or empty
}

// ChangeBackendFields writes a backend's fields of an account. It returns ErrNotFound when there is no such account or it is one of the support
// staff's, and ErrExternalID when another account has the external id.
func (s *Store) ChangeBackendFields(ctx context.Context, userID uuid.UUID, c BackendChange, e Event) error {
	set := map[string]any{"updated_at": dbTime(e.At)}
	if c.ExternalID != nil {
		set["external_id"] = *c.ExternalID
	}
	if c.Metadata != nil {
		set["metadata"] = string(*c.Metadata)
	}
	return wrapErr("change user", s.tx(ctx, func(tx *gorm.DB) error {
		if c.ExternalID != nil {
			if err := changeExternalID(tx, *c.ExternalID, userID); err != nil {
				return err
			}
		}
		done := tx.Model(&User{}).Where("id = ? AND role <> ?", userID, RoleSupport).UpdateColumns(set)
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return addEvent(tx, e)
	}))
}

// RequirePasswordChange makes User.MustChoosePassword true. It returns ErrNotFound when there is no such account or it is one of the support staff's. Where
// it is true already, nothing changes.
func (s *Store) RequirePasswordChange(ctx context.Context, userID uuid.UUID, e Event) error {
	return wrapErr("require another password", s.tx(ctx, func(tx *gorm.DB) error {
		var before []User
		err := tx.Raw("UPDATE users SET updated_at = ? WHERE id = ? AND role <> 'support' RETURNING *", dbTime(e.At), userID).Scan(&before).Error
		if err != nil || len(before) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		if before[0].MustChoosePassword() {
			return nil
		}
		if err := tx.Exec("UPDATE users SET generated_at = password_changed_at WHERE id = ?", userID).Error; err != nil {
			return err
		}
		return addEvent(tx, e)
	}))
}
