package models_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// A replica may ask any node: each has the same tables, and an address has one account whichever node the sign-ups ask.
func TestAReplicaMayAskAnyNodeOfCitus(t *testing.T) {
	needCitus(t)
	nodes := modelstest.SharedCitus(t)
	url := nodes.Distributed(t)
	var stores []*models.Store
	for node := range 3 {
		s := open(t, models.Config{URL: nodes.At(node, url), Conns: 4})
		if n, err := s.Migrate(t.Context()); err != nil || n != 0 {
			t.Fatalf("node %d: %d migrations, %v", node, n, err)
		}
		stores = append(stores, s)
	}
	for node, s := range stores {
		u := addUser(t, s)
		d := add(t, s, inPlace(signIn(u.ID, models.KindApp, "phone", noon), int64(node)))
		other := stores[(node+1)%len(stores)]
		if got := rotate(t, other, present(d, 1, noon)); got.Outcome != models.Rotated {
			t.Errorf("node %d: %v", node, got.Outcome)
		}
		if _, _, err := other.RevokeDevice(t.Context(), keyOf(d), event(models.EventDeviceRevoked, u.ID, noon.Add(time.Minute))); err != nil {
			t.Errorf("node %d: %v", node, err)
		}
		if list, err := revokedPlaces(t, s, noon); err != nil || len(list) != node+1 {
			t.Errorf("node %d: places %v, %v", node, list, err)
		}
		was := u.EmailKey
		u = moved(t, s, u, fmt.Sprintf("new-%d@example.org", node), noon)
		newcomer := models.User{ID: models.NewID(noon), Email: was, EmailKey: was, PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
		if err := other.AddUser(t.Context(), newcomer, event(models.EventAccountCreated, newcomer.ID, noon)); !errors.Is(err, models.ErrHeld) {
			t.Errorf("node %d: the address that was left: %v", node, err)
		}
		if err := deleteWhole(t, other, deletion(u, noon.Add(holdFor))); err != nil {
			t.Errorf("node %d: deletion: %v", node, err)
		}
	}
	for round := range 5 {
		var made atomic.Int64
		together(9, func(i int) {
			email := fmt.Sprintf("round-%d@example.org", round)
			u := models.User{ID: models.NewID(noon), Email: email, EmailKey: email, PasswordHash: password, Role: models.RoleUser, CreatedAt: noon}
			err := stores[i%len(stores)].AddUser(t.Context(), u, event(models.EventAccountCreated, u.ID, noon))
			if err == nil {
				made.Add(1)
			} else if !errors.Is(err, models.ErrDuplicate) {
				t.Errorf("round %d: %v", round, err)
			}
		})
		if made.Load() != 1 {
			t.Errorf("round %d: %d accounts have one address", round, made.Load())
		}
	}
}
