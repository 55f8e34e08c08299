package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// Registration describes an app to be registered.
type Registration struct {
	Name        string
	ID          string   // the client_id; empty: a random one
	IOSApps     []string // TEAM.bundle
	AndroidApps []string // package=SHA-256 of its certificate: 64 hexadecimal digits, or pairs with colons between
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// Add registers a public client. It returns KindInvalidRequest, of name, id, ios-app or android-app.
func (s *Service) Add(ctx context.Context, n Registration) (models.Client, error) {
	c := models.Client{ID: n.ID, CreatedAt: s.clock.Now()}
	if n.ID == "" {
		c.ID = strings.ToLower(rand.Text())
	}
	var bad auth.Fields
	var problem string
	c.Name, problem = auth.ProperName(n.Name, "An app needs a name.")
	bad.Refuse("name", problem)
	if len(c.ID) > auth.MaxClientID || !clientID.MatchString(c.ID) {
		bad.Refuse("id", fmt.Sprintf("At most %d letters, digits, dots, hyphens, underscores and tildes.", auth.MaxClientID))
	}
	c.IOSApps, problem = readApps(n.IOSApps, readIOS)
	bad.Refuse("ios-app", problem)
	c.AndroidApps, problem = readApps(n.AndroidApps, readAndroid)
	bad.Refuse("android-app", problem)
	if err := bad.Err(); err != nil {
		return c, err
	}
	err := s.store.AddClient(ctx, c)
	if errors.Is(err, models.ErrDuplicate) {
		return c, auth.InvalidField("id", "Another app has it.")
	}
	s.held.Store(nil)
	return c, err
}

// List returns the registered apps.
func (s *Service) List(ctx context.Context) ([]models.Client, error) { return s.store.Clients(ctx) }

// Remove removes an app. It can no longer sign people in; devices that it signed in stay signed in.
func (s *Service) Remove(ctx context.Context, id string) error {
	err := s.store.RemoveClient(ctx, id)
	s.held.Store(nil)
	return err
}

// AppsReadEvery is how soon a process sees the native apps that another one registered.
const AppsReadEvery = 10 * time.Second

// heldApps are the native apps as they were read last.
type heldApps struct {
	apps Apps
	at   time.Time
}

// Apps returns the native apps of all clients, as they were at most AppsReadEvery ago. While the database does not answer, it
// returns what it read last.
func (s *Service) Apps(ctx context.Context) (Apps, error) {
	held, now := s.held.Load(), s.clock.Now()
	if held != nil && auth.Fresh(held.at, now, AppsReadEvery) {
		return held.apps, nil
	}
	list, err := s.store.Clients(ctx)
	if err != nil {
		if held != nil {
			return held.apps, nil
		}
		return Apps{}, err
	}
	apps := AppsOf(list...)
	s.held.Store(&heldApps{apps, now})
	return apps, nil
}
