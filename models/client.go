package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Client is an app that may sign in. While none is registered, any client_id may.
type Client struct {
	ID        string
	Name      string
	CreatedAt time.Time
	// The native apps that may use its people's passkeys, with spaces between, sorted.
	IOSApps     string `gorm:"column:ios_apps"` // each TEAM.bundle
	AndroidApps string // each package=SHA-256 of the signing certificate, in hexadecimal digits
}

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
