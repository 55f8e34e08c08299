package models

import (
	"github.com/google/uuid"
	"gorm.io/gorm"
)

// useProofs uses the challenges and the factor of a sign-in, and notes the trusted browser that it skipped the second step for. The
// device is the one that the sign-in leads to.
func useProofs(tx *gorm.DB, d Device, n NewDevice) error {
	if n.Challenge != nil {
		if err := useChallenge(tx, n.Device.UserID, *n.Challenge, uuid.NullUUID{UUID: d.ID, Valid: true}, n.Device.CreatedAt); err != nil {
			return err
		}
	}
	if n.First != nil && n.First.ExpiresAt.After(n.Device.CreatedAt) {
		if err := useChallenge(tx, n.Device.UserID, *n.First, uuid.NullUUID{UUID: d.ID, Valid: true}, n.Device.CreatedAt); err != nil {
			return err
		}
	}
	if n.Factor != nil {
		if err := useFactor(tx, n.Device.UserID, *n.Factor); err != nil {
			return err
		}
	}
	if n.Trusted == nil {
		return nil
	}
	return useTrustedBrowser(tx, n.Device, *n.Trusted)
}

// addSecondStep writes what follows from the second step of a sign-in: the event and the mail of a factor's use, and a trusted browser.
func addSecondStep(tx *gorm.DB, d Device, n NewDevice) error {
	if n.Factor != nil {
		if n.Factor.Event != nil {
			e := *n.Factor.Event
			e.DeviceID, e.DeviceName = n.Event.DeviceID, d.Name
			if err := addEvent(tx, e); err != nil {
				return err
			}
		}
		if err := addMail(tx, n.Factor.Mail); err != nil {
			return err
		}
	}
	if n.Trust == nil {
		return nil
	}
	return addTrustedBrowser(tx, *n.Trust, n.Event)
}
