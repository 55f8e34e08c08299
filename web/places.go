package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"latchkey/auth/place"
	"latchkey/auth/ratelimit"
	"latchkey/models"
	"latchkey/views"
)

// places tell what is known of the addresses of one account, in the reader's language.
type places struct {
	file     *place.Database
	language language.Tag
	networks ratelimit.Networks
	proxies  proxies
}

// placesOf are the places of an account, for the person who sends the request.
func (s *Server) placesOf(r *http.Request, account uuid.UUID) (places, error) {
	from, err := s.caller(r)
	if err != nil {
		return places{}, err
	}
	networks, err := s.limits.Networks(r.Context(), account, from)
	return places{s.places, say(r).Tag(), networks, s.proxies}, err
}

// at is what is known of an address that was used at a time. A proxy's own address, which an earlier release stored where the proxy
// hid its client's, is no new network.
func (p places) at(address string, used time.Time) views.Place {
	told := near(p.file, address, p.language)
	told.Same = p.networks.Same(address)
	if ip, ok := parseHop(address); ok && !p.proxies.trust(ip) {
		told.New = p.networks.New(address, used)
	}
	return told
}

// near is where an address is.
func near(file *place.Database, address string, in language.Tag) views.Place {
	found := file.Find(address, in)
	return views.Place{City: found.City, Country: found.Country}
}

// copied is how a copied sign-in was used, and where the uses were.
func (p places) copied(r *models.Reuse, at time.Time) *views.CopiedSignIn {
	return placeCopied(copiedSignIn(r), func(address string) views.Place { return p.at(address, at) })
}

// placeCopied fills in where the uses of a copied sign-in were.
func placeCopied(c *views.CopiedSignIn, where func(address string) views.Place) *views.CopiedSignIn {
	if c == nil {
		return nil
	}
	c.SignedInAt = where(c.SignedInFrom)
	for i, use := range c.Uses {
		c.Uses[i].Place = where(use.Address)
	}
	return c
}
