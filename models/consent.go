package models

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// MaxConsents is how many pairs of a client and a browser an account keeps: the latest.
const MaxConsents = 200

// Consent says that an account lets a client sign in with the session of a browser.
type Consent struct {
	ClientID string
	Browser  []byte // a hash of the browser's mark
}

// addConsent remembers a consent, and forgets those past MaxConsents. The caller has locked the user's row.
func addConsent(tx *gorm.DB, user uuid.UUID, c *Consent, at time.Time) error {
	if c == nil || len(c.Browser) == 0 {
		return nil
	}
	err := tx.Exec(`INSERT INTO consents (user_id, client_id, browser, last_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (user_id, client_id, browser) DO UPDATE SET last_at = excluded.last_at`, user, c.ClientID, c.Browser, at).Error
	if err != nil {
		return err
	}
	return tx.Exec(`DELETE FROM consents WHERE user_id = ? AND (client_id, browser) IN
		(SELECT client_id, browser FROM consents WHERE user_id = ? ORDER BY last_at DESC, client_id, browser LIMIT 1000 OFFSET ?)`,
		user, user, MaxConsents).Error
}

// Consented reports whether an account has let a client sign in in a browser since a time.
func (s *Store) Consented(ctx context.Context, userID uuid.UUID, c Consent, since time.Time) (bool, error) {
	var n int64
	err := s.read(ctx).Table("consents").Where("user_id = ? AND client_id = ? AND browser = ? AND last_at > ?", userID, c.ClientID, nonNil(c.Browser), dbTime(since)).
		Count(&n).Error
	return n > 0, wrapErr("find consent", err)
}

// hasConsent reads, for a row of devices, whether its client has a consent of its owner.
const hasConsent = "EXISTS (SELECT 1 FROM consents WHERE consents.user_id = devices.user_id AND consents.client_id = devices.client_id) AS consented"

// endConsentsOf ends the consents of the clients of devices of one user, in every browser.
func endConsentsOf(tx *gorm.DB, ended []endedDevice) error {
	var clients []string
	for _, d := range ended {
		if d.Consented && !slices.Contains(clients, d.ClientID) {
			clients = append(clients, d.ClientID)
		}
	}
	if len(clients) == 0 {
		return nil
	}
	return tx.Exec("DELETE FROM consents WHERE user_id = ? AND client_id IN ?", ended[0].UserID, clients).Error
}

// endConsents ends all consents of a user.
func endConsents(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Exec("DELETE FROM consents WHERE user_id = ?", userID).Error
}
