package ratelimit

import (
	"bytes"

	"latchkey/auth"
	"latchkey/models"
)

// Known says how an account knows a caller: by a browser's mark or an app's key, or only by the network. An account knows the origin of a
// sign-in for KnownFor.
type Known struct{ Browser, network bool }

// Any reports whether the account knows the caller in one of the ways.
func (k Known) Any() bool { return k.Browser || k.network }

// KnownBy returns how the account knows the caller that f is about.
func KnownBy(f models.SignInFacts) Known {
	return Known{Browser: f.KnownBrowser || f.KnownKey, network: f.KnownNetwork}
}

// BrowserOrigin returns the hash under which accounts know a browser, or nil for apps.
func (s *Service) BrowserOrigin(from auth.Caller) []byte {
	if from.Browser == "" {
		return nil
	}
	return s.KeyedHash("place browser", from.Browser)
}

// NetworkOrigin returns the hash under which accounts know a network, or nil if the caller's network is unknown.
func (s *Service) NetworkOrigin(from auth.Caller) []byte {
	net := from.Network()
	if net == "" {
		return nil
	}
	return s.KeyedHash("place network", net)
}

// Origins returns the hashes under which accounts know a caller: of the network and of the browser.
func (s *Service) Origins(from auth.Caller) (origins [][]byte) {
	for _, origin := range [][]byte{s.NetworkOrigin(from), s.BrowserOrigin(from)} {
		if origin != nil {
			origins = append(origins, origin)
		}
	}
	return origins
}

// FreshStart returns what a new password resets. Afterwards the account knows only the browser that set the password, and that browser's
// network. The counters of the account start again at 0, and so do those that count the account together with this browser or network.
func (s *Service) FreshStart(user models.User, from auth.Caller) models.FreshStart {
	f := models.FreshStart{KnownOrigins: s.Origins(from), Counters: [][]byte{s.emailAsked(user), s.codesKey(user.ID, false), s.codesKey(user.ID, true)}}
	ofAll := s.KeyedHash("network", from.Network()) // not about this account
	for _, key := range s.SignInKeys(user.EmailKey, from) {
		if !bytes.Equal(key, ofAll) {
			f.Counters = append(f.Counters, key)
		}
	}
	return f
}

// EmailAskedQuota limits how many new addresses an account asks for. A new password resets it.
func (s *Service) EmailAskedQuota(user models.User) Quota {
	return Quota{"requests_email_account", s.emailAsked(user), MaxEmailAsked}
}

// emailAsked returns the key of that quota's counter.
func (s *Service) emailAsked(user models.User) []byte {
	return s.KeyedHash("email account", user.ID.String())
}
