package auth

import (
	"bytes"

	"latchkey/models"
)

// knownOrigin is how an account knows a caller: by the browser's mark or, of an app, by the key of one of its devices; or only by the
// network. Somebody signed in from there during the last 30 days.
type knownOrigin struct{ browser, network bool }

func originOf(f models.SignInFacts) knownOrigin {
	return knownOrigin{browser: f.KnownBrowser || f.KnownKey, network: f.KnownNetwork}
}

// familiar is by what an account knows a browser again; empty for apps.
func (s *Service) familiar(from Caller) []byte {
	if from.Browser == "" {
		return nil
	}
	return s.hide("place browser", from.Browser)
}

// familiarNetwork is by what an account knows a network again; empty when the caller's is unknown.
func (s *Service) familiarNetwork(from Caller) []byte {
	net := from.network()
	if net == "" {
		return nil
	}
	return s.hide("place network", net)
}

// places are where a caller is, as far as an account can recognise it: the network, and the browser's mark.
func (s *Service) places(from Caller) (places [][]byte) {
	for _, place := range [][]byte{s.familiarNetwork(from), s.familiar(from)} {
		if place != nil {
			places = append(places, place)
		}
	}
	return places
}

// freshStart is what a new password gives an account: it knows only the browser that set it and that browser's network, and what
// was counted of the account, and of it from there, starts again.
func (s *Service) freshStart(user models.User, from Caller) models.FreshStart {
	f := models.FreshStart{KnownOrigins: s.places(from), Counters: [][]byte{s.emailAsked(user)}}
	ofAll := s.hide("network", from.network()) // not about this account
	for _, key := range s.limitKeys(user.EmailKey, from) {
		if !bytes.Equal(key, ofAll) {
			f.Counters = append(f.Counters, key)
		}
	}
	return f
}
