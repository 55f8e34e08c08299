package models

import (
	"bytes"
	"context"
	"time"

	"gorm.io/gorm"
)

// SignInMethod says how a device signed in or how its owner confirmed an act. The words are stored: they may be added to, never renamed.
type SignInMethod string

// The methods. A row of an earlier release has none.
const (
	ByPassword               SignInMethod = "password"
	ByPasswordTOTP           SignInMethod = "password+totp"
	ByPasswordRecoveryCode   SignInMethod = "password+recovery_code"
	ByPasswordPasskey        SignInMethod = "password+passkey"
	ByPasswordTrustedBrowser SignInMethod = "password+trusted_browser"
	ByPasskey                SignInMethod = "passkey"
	BySignUp                 SignInMethod = "sign_up"
	ByInvitation             SignInMethod = "invitation"
)

// SignInMethods are all of them.
var SignInMethods = []SignInMethod{
	ByPassword, ByPasswordTOTP, ByPasswordRecoveryCode, ByPasswordPasskey, ByPasswordTrustedBrowser, ByPasskey, BySignUp, ByInvitation,
}

// formerSecretLife is how long a browser's former secret works after the first use of the new one.
const formerSecretLife = 10 * time.Second

// sentTwiceWithin is how long after a confirmation another one with the secret from before it is the same form, sent twice.
const sentTwiceWithin = time.Minute

// Proved returns when the device's owner was last verified: at the sign-in or at a confirmation.
func (d Device) Proved() time.Time {
	if d.ProvedAt != nil {
		return *d.ProvedAt
	}
	return d.CreatedAt
}

// RenewBrowserSecret gives a live browser a new secret after a confirmation, and records the confirmation. The old secret works until
// 10 s after the first use of the new one, so that a lost answer signs no one out. old is the hash of the secret that the confirming
// request came with: the present one or, after a lost answer, the former one. The former one does not count within a minute of the
// confirmation that replaced it: the same form was sent twice, and the browser may have either answer's secret. RenewBrowserSecret
// returns ErrNotFound when the browser is not live or has another secret.
func (s *Store) RenewBrowserSecret(ctx context.Context, key DeviceKey, old, renewed []byte, method SignInMethod, at time.Time) error {
	now := dbTime(at)
	return wrapErr("renew browser secret", s.write(ctx, func(db *gorm.DB) error {
		done := db.Exec(`UPDATE devices SET secret_hash = ?, former_hash = ?, former_until = NULL, proved_by = ?, proved_at = ?
			WHERE user_id = ? AND id = ? AND kind = 'browser' AND revoked_at IS NULL AND expires_at > ?
				AND (secret_hash = ? OR former_hash = ? AND (former_until IS NULL OR former_until > ?) AND proved_at <= ?)`,
			nonNil(renewed), nonNil(old), method, now, key.UserID, key.ID, now, nonNil(old), nonNil(old), now, dbTime(at.Add(-sentTwiceWithin)))
		if done.Error != nil || done.RowsAffected == 0 {
			return orRefuse(done.Error, ErrNotFound)
		}
		return nil
	}))
}

// secretCondition holds for a browser whose secret, present or former, has a hash at a time. The hash is the parameter twice.
const secretCondition = "(secret_hash = ? OR former_hash = ? AND (former_until IS NULL OR former_until > ?))"

// retireFormerSecret ends the former secret of a browser soon after the first use of the present one. It writes once for each renewal.
func (s *Store) retireFormerSecret(ctx context.Context, d Device, used []byte, now time.Time) error {
	if d.FormerHash == nil || d.FormerUntil != nil || !bytes.Equal(d.SecretHash, used) {
		return nil
	}
	return s.write(ctx, func(db *gorm.DB) error {
		return db.Exec("UPDATE devices SET former_until = ? WHERE user_id = ? AND id = ? AND secret_hash = ? AND former_hash IS NOT NULL AND former_until IS NULL",
			dbTime(now.Add(formerSecretLife)), d.UserID, d.ID, nonNil(used)).Error
	})
}

// raiseProof records that the owner of a live app was verified again. A proof that is recorded with a later time stays. raiseProof
// returns ErrNotFound when the app is not live.
func raiseProof(tx *gorm.DB, key DeviceKey, method SignInMethod, at time.Time) error {
	now := dbTime(at)
	done := tx.Exec(`UPDATE devices SET proved_by = CASE WHEN proved_at > ? THEN proved_by ELSE ? END, proved_at = CASE WHEN proved_at > ? THEN proved_at ELSE ? END
		WHERE user_id = ? AND id = ? AND kind = 'app' AND revoked_at IS NULL AND expires_at > ?`, now, method, now, now, key.UserID, key.ID, now)
	if done.Error != nil || done.RowsAffected == 0 {
		return orRefuse(done.Error, ErrNotFound)
	}
	return nil
}
