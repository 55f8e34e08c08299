package client

import (
	"context"
	"fmt"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// The bounds of a client's limits. Those of the settings hold as well: of two limits the shorter one counts.
const (
	MinAge        = time.Minute
	MaxAge        = 100 * 365 * 24 * time.Hour
	MostOfDevices = 10_000
)

// Limits are the limits of a client's devices as they are given, each with the meaning of models.ClientLimits. What is nil is not given.
type Limits struct {
	Lifetime, Idle *time.Duration // whole seconds; 0: none of its own
	MaxDevices     *int           // 0: none of its own
	OnLimit        *string        // models.OnLimitRefuse or models.OnLimitReplaceOldest
}

// check says what is wrong with the limits, by their flags, and returns them as a change.
func (l Limits) check(bad *auth.Fields) (c models.ClientLimitsChange) {
	for _, age := range []struct {
		field string
		given *time.Duration
	}{{"lifetime", l.Lifetime}, {"idle", l.Idle}} {
		switch d := age.given; {
		case d == nil || *d == 0:
		case *d < MinAge || *d > MaxAge:
			bad.Refuse(age.field, fmt.Sprintf("%s is not between %s and %s.", *d, MinAge, MaxAge))
		case *d%time.Second != 0:
			bad.Refuse(age.field, fmt.Sprintf("%s is not whole seconds.", *d))
		}
	}
	if n := l.MaxDevices; n != nil && (*n < 0 || *n > MostOfDevices) {
		bad.Refuse("devices", fmt.Sprintf("%d is not between 0 and %d.", *n, MostOfDevices))
	}
	c.Lifetime, c.Idle, c.MaxDevices = l.Lifetime, l.Idle, l.MaxDevices
	if l.OnLimit != nil {
		replace := *l.OnLimit == models.OnLimitReplaceOldest
		if c.ReplaceOldest = &replace; !replace && *l.OnLimit != models.OnLimitRefuse {
			bad.Refuse("on-limit", fmt.Sprintf("%q is neither %s nor %s.", *l.OnLimit, models.OnLimitRefuse, models.OnLimitReplaceOldest))
		}
	}
	return c
}

// ofNew returns the limits of a new client.
func (l Limits) ofNew(bad *auth.Fields) (limits models.ClientLimits) {
	c := l.check(bad)
	if c.Lifetime != nil {
		limits.Lifetime = *c.Lifetime
	}
	if c.Idle != nil {
		limits.Idle = *c.Idle
	}
	if c.MaxDevices != nil {
		limits.MaxDevices = *c.MaxDevices
	}
	limits.ReplaceOldest = c.ReplaceOldest != nil && *c.ReplaceOldest
	return limits
}

// LimitsOf returns the limits of a client's devices, as they were at most ReadEvery ago. A client that is not registered has none.
func (s *Service) LimitsOf(ctx context.Context, id string) (models.ClientLimits, error) {
	r, err := s.registered(ctx)
	if err != nil {
		return models.ClientLimits{}, err
	}
	c := r.clients[id]
	return c.Limits(), nil
}

// idlePatience is how long Idles waits for the database.
const idlePatience = 3 * time.Second

// Idles returns the clients whose apps have an idle limit of their own, as they were at most ReadEvery ago. While the database does not
// answer, it returns what it read last.
func (s *Service) Idles() []auth.ClientIdle {
	if held := s.held.Load(); s.fresh(held, ReadEvery) {
		return held.idles
	}
	ctx, cancel := context.WithTimeout(context.Background(), idlePatience)
	defer cancel()
	r, err := s.registered(ctx)
	if err != nil {
		return nil
	}
	return r.idles
}
