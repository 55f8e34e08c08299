package models

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Client is a registered app. While none that signs people in by itself is registered (see signsInByItself), any client_id may sign in.
// Lists are texts with spaces between, sorted.
type Client struct {
	ID        string
	Name      string
	CreatedAt time.Time
	// The native apps that may use its people's passkeys.
	IOSApps     string `gorm:"column:ios_apps"` // each TEAM.bundle
	AndroidApps string // each package=SHA-256 of the signing certificate, in hexadecimal digits

	RedirectURIs         string `gorm:"column:redirect_uris"`
	PostLogoutURIs       string `gorm:"column:post_logout_uris"`
	Origins              string // of pages whose scripts may call the API
	BackchannelLogoutURI string `gorm:"column:backchannel_logout_uri"` // empty: the client is not told of sign-outs
	SecretHash           []byte // SHA-256; nil: a public client (RFC 6749 §2.1)
	DeviceGrant          bool   // people may approve it with a user code (RFC 8628)
	SSO                  bool   `gorm:"column:sso"` // a browser that proved its user long ago may sign in to it
	Scopes               string // empty: those of a first-party app

	// See Limits.
	DeviceLifetime *int64 // seconds
	DeviceIdle     *int64 // seconds
	MaxDevices     *int64
	OnLimit        *string
}

// Confidential reports whether the client has a secret.
func (c *Client) Confidential() bool { return c.SecretHash != nil }

// signsInByItself is the condition for clients that take part in the rule that only registered apps sign in. A client does not if
// people can only approve it elsewhere (device grant) or if it acts for itself alone (a secret without a redirect URI): to register
// a television or a backend must not lock out all other apps.
const signsInByItself = `redirect_uris <> '' OR ios_apps <> '' OR android_apps <> '' OR origins <> '' OR NOT device_grant AND secret_hash IS NULL`

// AddClient registers an app. It returns ErrDuplicate when the id is taken.
func (s *Store) AddClient(ctx context.Context, c Client) error {
	c.CreatedAt = dbTime(c.CreatedAt)
	return wrapErr("add client", s.write(ctx, func(db *gorm.DB) error { return db.Create(&c).Error }))
}

// Clients lists the registered apps.
func (s *Store) Clients(ctx context.Context) ([]Client, error) {
	var list []Client
	err := s.read(ctx).Order("created_at, id").Find(&list).Error
	return list, wrapErr("list clients", err)
}

// Client returns a registered app, or ErrNotFound.
func (s *Store) Client(ctx context.Context, id string) (Client, error) {
	var c Client
	err := s.read(ctx).Where("id = ?", id).Take(&c).Error
	return c, wrapErr("find client", err)
}

// ClientChange is what UpdateClient changes of a client. What is nil stays.
type ClientChange struct {
	Name, IOSApps, AndroidApps, RedirectURIs, PostLogoutURIs, Origins, BackchannelLogoutURI, Scopes *string
	DeviceGrant, SSO                                                                                *bool
	Secret                                                                                          SecretChange
	Limits                                                                                          ClientLimitsChange

	IfConfidential bool     // change it only if it has a secret
	UnlessScope    []string // change it only if none of its scopes is like one of these patterns of LIKE
	NewSecretHash  []byte   // of FirstSecret and NextSecret
}

// SecretChange is what becomes of a client's secret.
type SecretChange int

// The changes of a secret.
const (
	KeepSecret  SecretChange = iota
	FirstSecret              // a client without a secret gets one; another keeps its own
	NextSecret               // only a client with a secret gets another
	AnySecret                // any client gets this one
	NoSecret                 // the client becomes public
)

// UpdateClient changes a client and returns it as it is afterwards. It returns ErrNotFound for an unknown id, for a public client
// with NextSecret, and for one that the conditions of the change leave out.
func (s *Store) UpdateClient(ctx context.Context, id string, c ClientChange) (Client, error) {
	set := c.Limits.columns()
	for column, value := range map[string]*string{
		"name": c.Name, "ios_apps": c.IOSApps, "android_apps": c.AndroidApps, "redirect_uris": c.RedirectURIs, "post_logout_uris": c.PostLogoutURIs,
		"origins": c.Origins, "backchannel_logout_uri": c.BackchannelLogoutURI, "scopes": c.Scopes,
	} {
		if value != nil {
			set[column] = *value
		}
	}
	for column, value := range map[string]*bool{"device_grant": c.DeviceGrant, "sso": c.SSO} {
		if value != nil {
			set[column] = *value
		}
	}
	where, args := "id = ?", []any{id}
	if c.IfConfidential {
		where += " AND secret_hash IS NOT NULL"
	}
	for _, pattern := range c.UnlessScope {
		where += " AND ' ' || scopes || ' ' NOT LIKE ?"
		args = append(args, "% "+pattern+" %")
	}
	switch c.Secret {
	case FirstSecret:
		set["secret_hash"] = gorm.Expr("COALESCE(secret_hash, ?)", c.NewSecretHash)
	case NextSecret:
		set["secret_hash"] = c.NewSecretHash
		where += " AND secret_hash IS NOT NULL"
	case AnySecret:
		set["secret_hash"] = c.NewSecretHash
	case NoSecret:
		set["secret_hash"] = nil
	case KeepSecret:
	}
	if len(set) == 0 {
		return s.Client(ctx, id)
	}
	var rows []Client
	err := s.write(ctx, func(db *gorm.DB) error {
		rows = nil
		done := db.Model(&rows).Clauses(clause.Returning{}).Where(where, args...).Updates(set)
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return Client{}, wrapErr("update client", err)
	}
	return rows[0], nil
}

// RemoveClient deletes an app, which can no longer sign in. Devices that are signed in stay so. It returns ErrNotFound for an
// unknown id.
func (s *Store) RemoveClient(ctx context.Context, id string) error {
	return wrapErr("remove client", s.write(ctx, func(db *gorm.DB) error {
		done := db.Where("id = ?", id).Delete(&Client{})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return nil
	}))
}
