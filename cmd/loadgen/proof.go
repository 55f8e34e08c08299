package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// proofsOfOne is how many proofs one device may use while the server remembers them; it refuses more than 1,000 a turn.
	proofsOfOne = 900
	// boundDevices is how many devices each client has in a run with proofs.
	boundDevices = 4
)

// phone is a device that is bound to a key (RFC 9449), and proofs by it for its next refreshes. They are made before the clock
// starts: that work is the phone's, not the server's, and here both would share the machine.
type phone struct {
	device
	proofs []string
}

// phones signs a client's bound devices in.
func (o *options) phones(c *client, number int) ([]*phone, error) {
	list := make([]*phone, boundDevices)
	for i := range list {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
		proof, err := o.proof(key, "/api/login")
		if err != nil {
			return nil, err
		}
		p := &phone{}
		if p.device, err = o.loginWith(c, number, proof); err != nil {
			return nil, err
		}
		for range proofsOfOne {
			if proof, err = o.proof(key, "/oauth/token"); err != nil {
				return nil, err
			}
			p.proofs = append(p.proofs, proof)
		}
		list[i] = p
	}
	return list, nil
}

// allPhones is phones for every client, on all cores.
func (o *options) allPhones() ([][]*phone, error) {
	list, errs := make([][]*phone, o.Clients), make([]error, o.Clients)
	var wait sync.WaitGroup
	room := make(chan struct{}, 2) // sign-ins of one network past a few at a time are told to come back later
	for i := range list {
		wait.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			c, err := newClient(o.URL)
			if err == nil {
				defer c.close()
				list[i], err = o.phones(c, i)
			}
			errs[i] = err
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// proof is a DPoP proof (RFC 9449 §4.2) for a POST to a path, now.
func (o *options) proof(key *ecdsa.PrivateKey, path string) (string, error) {
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return "", fmt.Errorf("make proof: %w", err)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"jti": rand.Text(), "htm": "POST", "htu": o.URL + path, "iat": time.Now().Unix()})
	t.Header["typ"] = "dpop+jwt"
	t.Header["jwk"] = map[string]string{
		"kty": "EC", "crv": "P-256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}
	text, err := t.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("make proof: %w", err)
	}
	return text, nil
}

// errUsedUp ends a run: a client has no proofs left.
var errUsedUp = errors.New("no proofs are left")

// nextProof takes the proof for the next refresh, "" without --dpop, and the device that it is for. It is over when the client has
// used all of its proofs up.
func (w *worker) nextProof() (d *device, proof string, over bool) {
	if !w.o.DPoP {
		w.turn++
		return &w.devices[w.turn%len(w.devices)], "", false
	}
	for len(w.phones) > 0 {
		p := w.phones[0]
		if n := len(p.proofs); n > 0 {
			proof, p.proofs = p.proofs[n-1], p.proofs[:n-1]
			return &p.device, proof, false
		}
		w.phones = w.phones[1:]
	}
	return nil, "", true
}
