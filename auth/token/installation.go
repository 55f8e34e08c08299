package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/models"
)

// How many devices of one installation of an app may be replaced, and in what time. An app that signs in again on its phone needs one
// replacement. Without a limit, two phones that share an installation, from a restored backup or a copied image, would sign each other
// out for ever.
const (
	MaxReplaced    = 2
	ReplacedWithin = 24 * time.Hour
)

const (
	installationField   = "installation_id"
	installationProblem = "It must be a UUID of 36 characters that the app made at random."
)

// ReadInstallation reads what an app sent. It adds a problem to bad if the id is not a UUID, or is the same for all phones. A token that
// is not one of ours proves nothing, which is no error.
func (s *Service) ReadInstallation(sent auth.SentInstallation, bad *auth.Fields) (i auth.Installation) {
	if sent.ID == "" {
		return i
	}
	id, ok := auth.ParseID(sent.ID)
	if !ok || id == uuid.Nil || id == uuid.Max {
		bad.Refuse(installationField, installationProblem)
		return i
	}
	i.ID = id
	if t, err := s.codec.Parse(sent.OldToken); err == nil {
		i.Old = &models.OldToken{
			Key: models.DeviceKey{UserID: t.UserID, ID: t.DeviceID}, SecretHash: devicetoken.SecretHash(t.Secret), Generation: t.Generation,
		}
	}
	return i
}

// KeyInstallation replaces the id by its hashes: HMACs of the account, the id and the client, under each of the server's secrets, the
// present one first. Equal ids of two accounts or two clients have different hashes.
func (s *Service) KeyInstallation(i auth.Installation, user uuid.UUID, clientID string) auth.Installation {
	if i.ID == uuid.Nil {
		return i
	}
	for _, key := range s.installationKeys {
		mac := hmac.New(sha256.New, key)
		mac.Write(user[:])
		mac.Write(i.ID[:])
		mac.Write([]byte(clientID)) // last: its length varies
		i.Hashes = append(i.Hashes, mac.Sum(nil))
	}
	i.ID = uuid.Nil
	return i
}

// SetInstallation records the installation of an app that is signing in. If the installation carries a proof of the app's earlier sign-in,
// the app takes the place of that sign-in.
func (s *Service) SetInstallation(n *models.NewDevice, i auth.Installation, from auth.Caller) {
	if i = s.KeyInstallation(i, n.Device.UserID, n.Device.ClientID); i.None() {
		return
	}
	n.Device.Installation = i.Hashes[0]
	n.Installation = &models.Installation{
		Hashes: i.Hashes, Old: i.Old, Most: MaxReplaced, Within: ReplacedWithin,
		Mail: func(d models.Device) models.MailWithLinks { return s.notify.ReplacedMail(d, from) },
	}
}
