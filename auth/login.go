package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/models"
)

// DefaultClientID is the client_id of an app that names none.
const DefaultClientID = "app"

// LoginRequest signs a person in on an app under a device name.
type LoginRequest struct {
	Email, Password string
	DeviceName      string // 1–64 characters after trimming
	ClientID        string // empty means DefaultClientID
	Proof           Proof  // binds the device to its key, when there is one
	From            Caller
}

// Login makes a new app device and its first tokens. Refusals: KindInvalidRequest, KindInvalidCredential,
// KindAccountDisabled, KindTooManyDevices, KindRateLimited, KindUnauthorizedClient, KindUnavailable.
func (s *Service) Login(ctx context.Context, r LoginRequest) (TokenAnswer, error) {
	var bad fields
	checkCredentials(&bad, r.Email, r.Password)
	name, problem := deviceName(r.DeviceName)
	bad.refuse("device_name", problem)
	named := r.ClientID != ""
	if !named {
		r.ClientID = DefaultClientID
	}
	bad.text("client_id", r.ClientID, maxClientID)
	if err := bad.err(); err != nil {
		return TokenAnswer{}, err
	}
	key, err := s.signInKey(ctx, r.Email)
	if err != nil {
		return TokenAnswer{}, err
	}
	jkt, proof, proofErr := s.checkProof(r.Proof, key, dpop.Request{})
	if proofErr != nil {
		jkt = "" // it proves no key
	}
	once := sync.OnceValue(proof.once) // the password may be checked a second time
	r.From.JKT = jkt
	a := attempt{emailKey: key, password: r.Password, clientID: r.ClientID, from: r.From, admit: func(allowed bool) error {
		return s.mayLogin(ctx, r, allowed, named, proofErr)
	}}
	var secret [devicetoken.SecretSize]byte
	d, err := s.signIn(ctx, a, func(v verified) (n models.NewDevice, err error) {
		n, secret = s.newDevice(v, models.KindApp, r.From, s.DeviceLifetime)
		n.Device.ClientID, n.Device.MaxRefreshes, n.Device.JKT = r.ClientID, s.MaxRefreshes, jkt
		n.FreeName, n.StatusIndex = freeName(name), s.pickStatusIndex
		return n, once()
	})
	if err != nil {
		return TokenAnswer{}, err
	}
	return s.answer(ctx, d, secret, jkt)
}

// mayLogin judges everything about an app's sign-in but the password and the limits.
func (s *Service) mayLogin(ctx context.Context, r LoginRequest, allowed, named bool, proofErr error) error {
	if !allowed {
		return unregistered(named)
	}
	if _, err := s.signingKey(ctx); err != nil {
		return err // before anything is written: an answer could not be signed
	}
	if proofErr != nil {
		return proofErr
	}
	if r.From.JKT == "" && s.DPoPRequired {
		return refuse(KindInvalidProof, "This server wants every app to prove a key of its own (DPoP).")
	}
	return nil
}

func unregistered(named bool) error {
	e := &Error{Kind: KindUnauthorizedClient, Message: "This client_id is not registered here."}
	detail := "This app is not registered here."
	if !named {
		e.Message = "Only registered apps can sign in here: send your client_id. Without one it is " + DefaultClientID + "."
		detail = "It is missing, and " + DefaultClientID + " is not registered here."
	}
	e.Fields = []FieldProblem{{Field: "client_id", Detail: detail}}
	return e
}

// signIn checks a password and adds the device that prepare makes. When the account changed between the two, the
// password is checked once more: it may have been changed, or only hashed anew by another sign-in at the same moment.
func (s *Service) signIn(ctx context.Context, a attempt, prepare func(verified) (models.NewDevice, error)) (models.Device, error) {
	for again := true; ; again = false {
		d, err := s.signInOnce(ctx, a, prepare)
		if !again || !errors.Is(err, models.ErrChanged) {
			return d, err
		}
	}
}

func (s *Service) signInOnce(ctx context.Context, a attempt, prepare func(verified) (models.NewDevice, error)) (models.Device, error) {
	c, err := s.beginCheck(ctx, a)
	if err != nil {
		return models.Device{}, err
	}
	defer c.end(ctx)
	v, err := c.verify(ctx, a.password)
	if err != nil {
		return models.Device{}, err
	}
	n, err := prepare(v)
	if err != nil {
		return models.Device{}, err
	}
	n.Spend, n.Uncount = c.limits.spend(), c.reserved
	d, err := s.addDevice(ctx, n)
	if err == nil || errors.Is(err, models.ErrUnavailable) {
		c.reserved = nil // given back with the sign-in; or perhaps it was: never twice
	}
	return d, err
}

// BrowserLogin signs a person in on the portal.
type BrowserLogin struct {
	Email, Password string
	From            Caller
	Replaces        *Session // the live sign-in of this browser, which the new one ends
}

// LoginBrowser makes a new browser device, named after its User-Agent, and returns what its cookie carries.
func (s *Service) LoginBrowser(ctx context.Context, r BrowserLogin) (BrowserKey, error) {
	var bad fields
	checkCredentials(&bad, r.Email, r.Password)
	if err := bad.err(); err != nil {
		return BrowserKey{}, err
	}
	emailKey, err := s.signInKey(ctx, r.Email)
	if err != nil {
		return BrowserKey{}, err
	}
	var keys []BrowserKey
	d, err := s.signIn(ctx, attempt{emailKey: emailKey, password: r.Password, from: r.From}, func(v verified) (n models.NewDevice, err error) {
		n, keys = s.newBrowser(v, r)
		return n, nil
	})
	if err != nil {
		return BrowserKey{}, err
	}
	return keyOf(d, keys), nil
}

// newBrowser prepares the row of a browser that signs in now. The keys that may be its own come with it, the new one's first.
func (s *Service) newBrowser(v verified, r BrowserLogin) (models.NewDevice, []BrowserKey) {
	n, secret := s.newDevice(v, models.KindBrowser, r.From, s.BrowserLifetime)
	n.FreeName = freeName(DescribeAgent(r.From.UserAgent).Name)
	if r.Replaces != nil {
		n.Replace = &models.DeviceKey{UserID: r.Replaces.User.ID, ID: r.Replaces.Device.ID}
	}
	keys := []BrowserKey{{UserID: n.Device.UserID, DeviceID: n.Device.ID, Secret: secret}}
	if r.From.Browser != "" {
		keys = s.browserKeys(n.Device.UserID, n.Device.ID, r.From.Browser, n.Device.CreatedAt)
		n.Device.SecretHash = devicetoken.SecretHash(keys[0].Secret)
		for _, key := range keys {
			n.Repeats = append(n.Repeats, devicetoken.SecretHash(key.Secret))
		}
	}
	return n, keys
}

// browserKeys are the keys of an account's sign-ins in a browser in this minute and the last one. A form that was sent twice
// comes with one mark, so both its sign-ins have one secret, by which the second finds the first (models.NewDevice.Repeats).
// Only the browser holds its mark, and only this server the key that makes the secret from it.
func (s *Service) browserKeys(user, device uuid.UUID, mark string, now time.Time) []BrowserKey {
	keys := make([]BrowserKey, 2)
	for i := range keys {
		mac := hmac.New(sha256.New, s.browsers)
		mac.Write(user[:])
		_ = binary.Write(mac, binary.BigEndian, now.Unix()/60-int64(i)) // a hash takes whatever is written
		mac.Write([]byte(mark))
		keys[i] = BrowserKey{UserID: user, DeviceID: device, Secret: [devicetoken.SecretSize]byte(mac.Sum(nil))}
	}
	return keys
}

// keyOf is the key of the browser that signed in: the new one, or the one that an earlier sending of the form had made.
func keyOf(d models.Device, keys []BrowserKey) BrowserKey {
	for _, key := range keys {
		if bytes.Equal(devicetoken.SecretHash(key.Secret), d.SecretHash) {
			key.DeviceID = d.ID
			return key
		}
	}
	return keys[0]
}

func checkCredentials(bad *fields, email, password string) {
	bad.text("email", TrimEmail(email), maxEmail)
	bad.text("password", password, maxPassword)
}

// newDevice prepares the row of a device that signs in now, with its secret.
func (s *Service) newDevice(v verified, kind string, from Caller, lifetime time.Duration) (models.NewDevice, [devicetoken.SecretSize]byte) {
	now := s.now()
	var secret [devicetoken.SecretSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	return models.NewDevice{
		Device: models.Device{
			UserID: v.user.ID, ID: models.NewID(now), Kind: kind, UserAgent: from.UserAgent,
			CreatedAt: now, CreatedIP: from.address(), LastSeenAt: now, LastIP: from.address(),
			ExpiresAt: now.Add(lifetime), SecretHash: devicetoken.SecretHash(secret),
			Generation: 1, Base: 0, Floor: 1, RotatedAt: now,
		},
		Verified: v.user.PasswordHash, Rehashed: v.rehashed,
		Max: s.MaxDevices, Live: s.live(now), KnownOrigins: s.places(from),
		Event: s.event(models.EventSignIn, v.user.ID, from, now), Alert: s.signInAlert(from, now), BrowserKey: s.familiar(from),
	}, secret
}

func (s *Service) addDevice(ctx context.Context, n models.NewDevice) (d models.Device, err error) {
	err = s.door.query(ctx, func() (err error) {
		d, err = s.store.AddDevice(ctx, n)
		return err
	})
	switch {
	case errors.Is(err, models.ErrTooManyDevices):
		return d, &Error{Kind: KindTooManyDevices, Message: "This account is signed in on as many devices as it may. Sign one out first.", Cause: err}
	case errors.Is(err, models.ErrSpent):
		return d, rateLimited(attemptWindow)
	case errors.Is(err, models.ErrChanged):
		return d, &Error{Kind: errBadCredentials.Kind, Message: errBadCredentials.Message, Cause: err}
	}
	if err == nil {
		s.kickMail()
	}
	return d, err
}

// event begins the event of an owner's act.
func (s *Service) event(kind models.EventKind, userID uuid.UUID, from Caller, at time.Time) models.Event {
	return models.Event{
		UserID: userID, ID: models.NewID(at), At: at, Kind: kind, Actor: models.ActorOwner,
		IP: from.address(), UserAgent: from.UserAgent,
	}
}
