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
}

// AddClient registers an app. It returns ErrDuplicate when the id is taken.
func (s *Store) AddClient(ctx context.Context, c Client) error {
	c.CreatedAt = moment(c.CreatedAt)
	return fault("add client", s.write(ctx, func(db *gorm.DB) error { return db.Create(&c).Error }))
}

// Clients lists the registered apps.
func (s *Store) Clients(ctx context.Context) ([]Client, error) {
	var list []Client
	err := s.read(ctx).Order("created_at, id").Find(&list).Error
	return list, fault("list clients", err)
}

// RemoveClient forgets an app: it cannot sign in any more; devices signed in stay. It returns ErrNotFound for an unknown id.
func (s *Store) RemoveClient(ctx context.Context, id string) error {
	return fault("remove client", s.write(ctx, func(db *gorm.DB) error {
		done := db.Where("id = ?", id).Delete(&Client{})
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return nil
	}))
}

// ClientAllowed tells whether an app may sign in: it is registered, or none is.
func (s *Store) ClientAllowed(ctx context.Context, id string) (bool, error) {
	var ok bool
	err := s.read(ctx).Raw("SELECT NOT EXISTS (SELECT 1 FROM clients) OR EXISTS (SELECT 1 FROM clients WHERE id = ?)", id).Scan(&ok).Error
	return ok, fault("find client", err)
}
