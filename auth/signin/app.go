package signin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/devicetoken"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// DefaultClientID is the client_id of an app that names none.
const DefaultClientID = "app"

// LoginRequest signs a person in on an app under a device name.
type LoginRequest struct {
	Email, Password string
	DeviceName      string      // 1–64 characters after trimming
	ClientID        string      // empty means DefaultClientID
	Proof           token.Proof // binds the device to its key, when there is one
	From            auth.Caller
}

// Login makes a new app device and its first tokens. Refusals: KindInvalidRequest, KindInvalidCredential,
// KindAccountDisabled, KindChoosePassword, KindTooManyDevices, KindRateLimited, KindUnauthorizedClient, KindUnavailable.
func (s *Service) Login(ctx context.Context, r LoginRequest) (token.Answer, error) {
	var bad auth.Fields
	checkCredentials(&bad, r.Email, r.Password)
	name, problem := auth.DeviceName(r.DeviceName)
	bad.Refuse("device_name", problem)
	named := r.ClientID != ""
	if !named {
		r.ClientID = DefaultClientID
	}
	bad.Text("client_id", r.ClientID, auth.MaxClientID)
	if err := bad.Err(); err != nil {
		return token.Answer{}, err
	}
	key, err := s.signInKey(ctx, r.Email)
	if err != nil {
		return token.Answer{}, err
	}
	jkt, proof, proofErr := s.tokens.CheckProof(r.Proof, key, dpop.Request{})
	if proofErr != nil {
		jkt = "" // it proves no key
	}
	once := sync.OnceValue(proof.Consume) // the password may be checked a second time
	r.From.JKT = jkt
	a := SignInAttempt{EmailKey: key, password: r.Password, clientID: r.ClientID, From: r.From, admit: func(allowed bool) error {
		return s.mayLogin(ctx, r, allowed, named, proofErr)
	}}
	var secret [devicetoken.SecretSize]byte
	d, err := s.signIn(ctx, a, func(v token.Verified) (n models.NewDevice, err error) {
		if v.User.MustChoosePassword() {
			return n, errChoosePassword
		}
		n, secret = s.tokens.NewDevice(v, models.KindApp, r.From, s.config.DeviceLifetime)
		n.Device.ClientID, n.Device.MaxRefreshes, n.Device.JKT = r.ClientID, s.config.MaxRefreshes, jkt
		n.FreeName, n.StatusIndex = token.FreeName(name), s.tokens.PickStatusIndex
		return n, once()
	})
	if err != nil {
		return token.Answer{}, err
	}
	return s.tokens.Issue(ctx, d, secret, jkt)
}

var errChoosePassword = &auth.Error{Kind: auth.KindChoosePassword, Message: "This password was made by an administrator. Sign in on the website first, to choose your own."}

// mayLogin judges everything about an app's sign-in but the password and the limits.
func (s *Service) mayLogin(ctx context.Context, r LoginRequest, allowed, named bool, proofErr error) error {
	if !allowed {
		return unregistered(named)
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return err // before anything is written: an answer could not be signed
	}
	if proofErr != nil {
		return proofErr
	}
	if r.From.JKT == "" && s.config.DPoPRequired {
		return auth.Refuse(auth.KindInvalidProof, "This server wants every app to prove a key of its own (DPoP).")
	}
	return nil
}

func unregistered(named bool) error {
	e := &auth.Error{Kind: auth.KindUnauthorizedClient, Message: "This client_id is not registered here."}
	detail := "This app is not registered here."
	if !named {
		e.Message = "Only registered apps can sign in here: send your client_id. Without one it is " + DefaultClientID + "."
		detail = "It is missing, and " + DefaultClientID + " is not registered here."
	}
	e.Fields = []auth.FieldProblem{{Field: "client_id", Detail: detail}}
	return e
}

// signIn checks a password and adds the device that prepare makes. When the account changed between the two, the
// password is checked once more: it may have been changed, or only hashed anew by another sign-in at the same moment.
func (s *Service) signIn(ctx context.Context, a SignInAttempt, prepare func(token.Verified) (models.NewDevice, error)) (models.Device, error) {
	for again := true; ; again = false {
		d, err := s.signInOnce(ctx, a, prepare)
		if !again || !errors.Is(err, models.ErrChanged) {
			return d, err
		}
	}
}

func (s *Service) signInOnce(ctx context.Context, a SignInAttempt, prepare func(token.Verified) (models.NewDevice, error)) (models.Device, error) {
	c, err := s.BeginCheck(ctx, a)
	if err != nil {
		return models.Device{}, err
	}
	defer c.End(ctx)
	v, err := c.verify(ctx, a.password)
	if err != nil {
		return models.Device{}, err
	}
	n, err := prepare(v)
	if err != nil {
		return models.Device{}, err
	}
	n.Spend, n.Uncount = c.limits.Spend(), c.reserved
	d, err := s.tokens.AddDevice(ctx, n)
	if err == nil || errors.Is(err, models.ErrUnavailable) {
		c.reserved = nil // given back with the sign-in; or perhaps it was: never twice
	}
	return d, err
}

// BrowserLogin signs a person in on the portal.
type BrowserLogin struct {
	Email, Password string
	From            auth.Caller
	Replaces        *Session // the live sign-in of this browser, which the new one ends
}

// LoginBrowser makes a new browser device, named after its User-Agent, and returns what its cookie carries.
func (s *Service) LoginBrowser(ctx context.Context, r BrowserLogin) (BrowserKey, error) {
	var bad auth.Fields
	checkCredentials(&bad, r.Email, r.Password)
	if err := bad.Err(); err != nil {
		return BrowserKey{}, err
	}
	emailKey, err := s.signInKey(ctx, r.Email)
	if err != nil {
		return BrowserKey{}, err
	}
	var keys []BrowserKey
	var user models.User
	d, err := s.signIn(ctx, SignInAttempt{EmailKey: emailKey, password: r.Password, From: r.From}, func(v token.Verified) (n models.NewDevice, err error) {
		n, keys = s.NewBrowser(v, r)
		user = v.User
		return n, nil
	})
	if err != nil {
		return BrowserKey{}, err
	}
	key := KeyOf(d, keys)
	key.ChoosePassword = user.MustChoosePassword()
	return key, nil
}

// NewBrowser prepares the row of a browser that signs in now. The keys that may be its own come with it, the new one's first.
func (s *Service) NewBrowser(v token.Verified, r BrowserLogin) (models.NewDevice, []BrowserKey) {
	n, secret := s.tokens.NewDevice(v, models.KindBrowser, r.From, s.config.BrowserLifetime)
	n.FreeName = token.FreeName(auth.DescribeAgent(r.From.UserAgent).Name)
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
		mac := hmac.New(sha256.New, s.key)
		mac.Write(user[:])
		_ = binary.Write(mac, binary.BigEndian, now.Unix()/60-int64(i)) // a hash takes whatever is written
		mac.Write([]byte(mark))
		keys[i] = BrowserKey{UserID: user, DeviceID: device, Secret: [devicetoken.SecretSize]byte(mac.Sum(nil))}
	}
	return keys
}

// KeyOf is the key of the browser that signed in: the new one, or the one that an earlier sending of the form had made.
func KeyOf(d models.Device, keys []BrowserKey) BrowserKey {
	for _, key := range keys {
		if bytes.Equal(devicetoken.SecretHash(key.Secret), d.SecretHash) {
			key.DeviceID = d.ID
			return key
		}
	}
	return keys[0]
}

func checkCredentials(bad *auth.Fields, email, password string) {
	bad.Text("email", auth.TrimEmail(email), auth.MaxEmail)
	bad.Text("password", password, auth.MaxPassword)
}
