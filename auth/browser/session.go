package browser

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/models"
)

// seenEvery is how often page views update last_seen_at at most. A browser may therefore idle out earlier by this much. For the
// support staff, whose limit is half an hour, every request is written.
const seenEvery = time.Minute

// Key is the content of a browser's cookie. The device's row says whether it is still valid.
type Key struct {
	UserID, DeviceID uuid.UUID
	Secret           [devicetoken.SecretSize]byte
	// Of a sign-in just now, not in the cookie:
	ChoosePassword bool   // the password was generated, and the owner must choose another
	SetUp          bool   // a second factor must be set up first
	Language       string // the account's; empty: none was chosen
	Trust          string // the secret of a browser that is now trusted; empty: it is not
	// Renewed says that this sign-in was made before and a confirmation has given the browser a newer secret since: it has that already,
	// and must keep it.
	Renewed bool
}

// Session is a live browser and its owner.
type Session struct {
	Device models.Device
	User   models.User
	// Keep takes the new key of the browser after a confirmation; nil: it is lost, and the present one stays good.
	Keep func(Key)

	secretHash []byte // that the browser came with
}

// Has reports whether a typed e-mail address is the account's.
func (by *Session) Has(email string) bool {
	return auth.SameEmail(email) == auth.SameEmail(by.User.EmailKey)
}

// Support reports whether the person is a member of the support staff, according to the users row that this request read.
func (by *Session) Support() bool { return by.User.Role == models.RoleSupport }

// Authenticate returns the live session of a cookie, in one query, and records that the browser was seen. It returns KindSignedOut if
// the browser is not signed in.
func (s *Service) Authenticate(ctx context.Context, key Key, from auth.Caller) (*Session, error) {
	now := s.clock.Now()
	d, u, err := s.store.BrowserSession(ctx, key.UserID, key.DeviceID, devicetoken.SecretHash(key.Secret), s.idle.Live(now))
	if errors.Is(err, models.ErrNotFound) {
		return nil, &auth.Error{Kind: auth.KindSignedOut, Message: "You’re signed out.", Cause: err}
	}
	if err != nil {
		return nil, err
	}
	unlessAfter := now.Add(-seenEvery)
	if u.Role == models.RoleSupport {
		unlessAfter = now
	}
	if d.LastSeenAt.Before(unlessAfter) {
		if err := s.store.TouchDevice(ctx, d.UserID, d.ID, now, unlessAfter, from.Address()); err != nil {
			s.log.WarnContext(ctx, "last seen could not be noted", "error", err) // no reason to keep a person from their devices
		}
	}
	d.LastSeenAt = now
	return &Session{Device: d, User: u, secretHash: devicetoken.SecretHash(key.Secret)}, nil
}

// SignOut ends this browser's session.
func (s *Service) SignOut(ctx context.Context, by *Session, from auth.Caller) error {
	e := auth.NewEvent(models.EventSignOut, by.User.ID, from, s.clock.Now())
	e.Detail = string(models.RevokedBySignOut)
	_, _, err := s.store.RevokeDevice(ctx, models.DeviceKey{UserID: by.User.ID, ID: by.Device.ID}, e)
	return err
}

// Renew gives the browser of a session a new secret. Its former one is good until shortly after the first use of the new one, so that
// a lost answer signs no one out. It opens no act: each asks for itself, and none goes by the time of a proof. A copy of the cookie dies
// with the former secret. What remains: while the owner does not come back, the copy lives on, up to the browser's lifetime; and a thief
// who also has the password and a code can confirm first, and then it is the owner's cookie that dies.
func (s *Service) Renew(ctx context.Context, by *Session, method models.SignInMethod) {
	var secret [devicetoken.SecretSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	key := models.DeviceKey{UserID: by.User.ID, ID: by.Device.ID}
	err := s.store.RenewBrowserSecret(ctx, key, by.secretHash, devicetoken.SecretHash(secret), method, s.clock.Now())
	switch {
	case errors.Is(err, models.ErrNotFound): // another request renewed it, or the act ended it
	case err != nil:
		s.log.WarnContext(ctx, "a browser got no new secret after a confirmation", "error", err) // the act is done, and the old one stays good
	case by.Keep != nil:
		by.Keep(Key{UserID: key.UserID, DeviceID: key.ID, Secret: secret})
	}
}
