package models

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// MaxConsents is how many pairs of a client and a browser an account keeps: the latest.
const MaxConsents = 200

// ErrNoConsent says that a client has no consent that it needs.
var ErrNoConsent = errors.New("no consent")

// Consent says that an account lets a client sign in with the session of a browser.
type Consent struct {
	ClientID string
	Browser  []byte // a hash of the browser's mark and of what the client gets
}

// The purposes of challenges with which an app signs in: what a person approved, and no app has taken yet. The words are stored.
const (
	PurposeCode       = "authorization_code"
	PurposeDeviceCode = "device_code"
)

// approvals are the purposes of what a person approved, and an app then exchanges for a sign-in.
var approvals = []string{PurposeCode, PurposeDeviceCode}

// endApprovals ends what a person approved and no app has taken yet: an app would sign in with it after its devices were ended.
func endApprovals(tx *gorm.DB, userID uuid.UUID) error {
	return tx.Exec("DELETE FROM challenges WHERE user_id = ? AND used_at IS NULL AND purpose IN ?", userID, approvals).Error
}

// SilentUse is the use of consents instead of a page. Its field names are stored.
type SilentUse struct {
	Consents []Consent // one of them must be there
	Since    time.Time // after which it was given
}

// needConsent returns ErrNoConsent unless a consent that is used is there, and nil where none is used. It holds the row, so that an act that
// ends the consent either comes first or sees what this transaction writes.
func needConsent(tx *gorm.DB, user uuid.UUID, use *SilentUse) error {
	if use == nil {
		return nil
	}
	for _, c := range use.Consents {
		done := tx.Exec("UPDATE consents SET last_at = last_at WHERE user_id = ? AND client_id = ? AND browser = ? AND last_at > ?",
			user, c.ClientID, nonNil(c.Browser), dbTime(use.Since))
		if done.Error != nil || done.RowsAffected > 0 {
			return done.Error
		}
	}
	return ErrNoConsent
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

// Consented reports whether a consent is there that is to be used.
func (s *Store) Consented(ctx context.Context, userID uuid.UUID, use SilentUse) (known bool, err error) {
	for _, c := range use.Consents {
		var n int64
		err = s.read(ctx).Table("consents").Where("user_id = ? AND client_id = ? AND browser = ? AND last_at > ?", userID, c.ClientID, nonNil(c.Browser), dbTime(use.Since)).
			Count(&n).Error
		if err != nil || n > 0 {
			return n > 0, wrapErr("find consent", err)
		}
	}
	return false, nil
}

// hasConsent reads, for a row of devices, whether its client has a consent of its owner, who is the parameter.
const hasConsent = "EXISTS (SELECT 1 FROM consents WHERE consents.user_id = ? AND consents.client_id = devices.client_id) AS consented"

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

// endConsents ends all consents of a user, and what the user approved.
func endConsents(tx *gorm.DB, userID uuid.UUID) error {
	if err := tx.Exec("DELETE FROM consents WHERE user_id = ?", userID).Error; err != nil {
		return err
	}
	return endApprovals(tx, userID)
}
