package browser

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/auth/token"
	"latchkey/models"
)

// Login signs a person in on the portal.
type Login struct {
	Email, Password string
	From            auth.Caller
	Replaces        *Session // the browser's live session, which the new one ends; nil: none
	Trusted         []string // the secrets of the browser's cookie that may let it skip the second step
}

// SignIn is a browser that signs in.
type SignIn struct {
	Row  models.NewDevice
	s    *Service
	user models.User
	keys []Key // that the browser may get, the new row's first
}

// New prepares the row of a browser that signs in, named after its User-Agent. replaces is the browser's live session, which the new
// one ends; it may be nil. The caller adds the row, and passes what AddDevice returned to Key.
func (s *Service) New(v token.Verified, from auth.Caller, replaces *Session) *SignIn {
	n, secret := s.tokens.NewDevice(v, models.KindBrowser, from, s.config.Lifetime)
	n.FreeName = token.FreeName(auth.DescribeAgent(from.UserAgent).Name)
	if replaces != nil {
		n.Replace = &models.DeviceKey{UserID: replaces.User.ID, ID: replaces.Device.ID}
	}
	keys := []Key{{UserID: n.Device.UserID, DeviceID: n.Device.ID, Secret: secret}}
	if from.Browser != "" {
		keys = s.keys(n.Device.UserID, n.Device.ID, from.Browser, n.Device.CreatedAt)
		n.Device.SecretHash = devicetoken.SecretHash(keys[0].Secret)
		for _, key := range keys {
			n.Repeats = append(n.Repeats, devicetoken.SecretHash(key.Secret))
		}
	}
	return &SignIn{Row: n, s: s, user: v.User, keys: keys}
}

// Key returns the key of device d, which AddDevice returned: the new one, or the one that an earlier sending of the form created.
func (n *SignIn) Key(d models.Device) Key { return n.s.keyOf(d, n.user, n.keys) }

func (s *Service) keyOf(d models.Device, user models.User, keys []Key) Key {
	found := keys[0]
	for _, key := range keys {
		hash := devicetoken.SecretHash(key.Secret)
		if renewed := bytes.Equal(hash, d.FormerHash); renewed || bytes.Equal(hash, d.SecretHash) {
			key.DeviceID, key.Renewed = d.ID, renewed
			found = key
			break
		}
	}
	found.ChoosePassword, found.SetUp, found.Language = user.MustChoosePassword(), s.config.SecondFactor.MustSetUp(user), user.Language
	return found
}

// SignIn signs a browser in to an account whose owner has just chosen the password. method says how the owner came. It returns the
// errors of token.AddDevice.
func (s *Service) SignIn(ctx context.Context, user models.User, method models.SignInMethod, from auth.Caller, replaces *Session) (Key, error) {
	n := s.New(token.Verified{User: user}, from, replaces)
	n.Row.Device.SignedInBy, n.Row.Device.ProvedBy = method, method
	d, err := s.tokens.AddDevice(ctx, n.Row)
	if err != nil {
		return Key{}, err
	}
	return n.Key(d), nil
}

// Repeated returns the key of a sign-in that a form, sent twice, made a moment ago in the browser with a mark.
func (s *Service) Repeated(ctx context.Context, device models.DeviceKey, mark string) (key Key, ok bool) {
	now := s.clock.Now()
	d, err := s.store.LiveDevice(ctx, device.UserID, device.ID, s.idle.Live(now))
	if err != nil {
		return key, false
	}
	user, err := s.store.UserByID(ctx, device.UserID)
	if err != nil || user.DisabledAt != nil {
		return key, false
	}
	key = s.keyOf(d, user, s.keys(device.UserID, device.ID, mark, now))
	if hash := devicetoken.SecretHash(key.Secret); !bytes.Equal(hash, d.SecretHash) && !key.Renewed {
		return Key{}, false // it came from another browser
	}
	return key, true
}

// keys returns the keys of an account's sign-ins in one browser during this minute and the last. A form that was sent twice
// comes with the same mark, so both sign-ins get the same secret, and the second finds the row of the first
// (models.NewDevice.Repeats). The secret depends on the mark, which only the browser holds, and on a key that only the server
// holds.
func (s *Service) keys(user, device uuid.UUID, mark string, now time.Time) []Key {
	keys := make([]Key, 2)
	for i := range keys {
		mac := hmac.New(sha256.New, s.key)
		mac.Write(user[:])
		_ = binary.Write(mac, binary.BigEndian, now.Unix()/60-int64(i)) // writing to a hash never fails
		mac.Write([]byte(mark))
		keys[i] = Key{UserID: user, DeviceID: device, Secret: [devicetoken.SecretSize]byte(mac.Sum(nil))}
	}
	return keys
}
