package ratelimit

import (
	"bytes"

	"latchkey/auth"
	"latchkey/models"
)

// EmailAskedQuota bounds the addresses that an account asks for. A new password starts it again.
func (s *Service) EmailAskedQuota(user models.User) Quota {
	return Quota{s.emailAsked(user), MaxEmailAsked}
}

// emailAsked is the key of their counter.
func (s *Service) emailAsked(user models.User) []byte {
	return s.KeyedHash("email account", user.ID.String())
}

// Known is how an account knows a caller: by the browser's mark or, of an app, by the key of one of its devices; or only by the
// network. Somebody signed in from there during the last 30 days.
type Known struct{ Browser, network bool }

// KnownBy says how an account knows the caller that the store was asked about.
func KnownBy(f models.SignInFacts) Known {
	return Known{Browser: f.KnownBrowser || f.KnownKey, network: f.KnownNetwork}
}

// BrowserOrigin is by what an account knows a browser again; empty for apps.
func (s *Service) BrowserOrigin(from auth.Caller) []byte {
	if from.Browser == "" {
		return nil
	}
	return s.KeyedHash("place browser", from.Browser)
}

// NetworkOrigin is by what an account knows a network again; empty when the caller's is unknown.
func (s *Service) NetworkOrigin(from auth.Caller) []byte {
	net := from.Network()
	if net == "" {
		return nil
	}
	return s.KeyedHash("place network", net)
}

// Origins are where a caller is, as far as an account can recognise it: the network, and the browser's mark.
func (s *Service) Origins(from auth.Caller) (origins [][]byte) {
	for _, origin := range [][]byte{s.NetworkOrigin(from), s.BrowserOrigin(from)} {
		if origin != nil {
			origins = append(origins, origin)
		}
	}
	return origins
}

// FreshStart is what a new password gives an account: it knows only the browser that set it and that browser's network, and what
// was counted of the account, and of it from there, starts again.
func (s *Service) FreshStart(user models.User, from auth.Caller) models.FreshStart {
	f := models.FreshStart{KnownOrigins: s.Origins(from), Counters: [][]byte{s.emailAsked(user)}}
	ofAll := s.KeyedHash("network", from.Network()) // not about this account
	for _, key := range s.SignInKeys(user.EmailKey, from) {
		if !bytes.Equal(key, ofAll) {
			f.Counters = append(f.Counters, key)
		}
	}
	return f
}
