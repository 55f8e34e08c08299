package services_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/mail/mailtest"
	"latchkey/auth/notify"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// If a process dies after its commit, another one sends its mail. If it dies with claimed mails, the others wait for the length of
// the lease only.
func TestAProcessThatDiesLeavesItsMailsToTheOthers(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.notify(t, store, 3)
		for range 2 {
			if _, err := store.ClaimMail(t.Context(), models.MailRest, d.now(), d.now().Add(notify.Lease)); err != nil { // and dies
				t.Fatal(err)
			}
		}
		d.sendAll(t)
		if n := len(server.Mails()); n != 1 {
			t.Errorf("%d mails arrive while two are claimed", n)
		}
		d.advance(notify.Lease - time.Second)
		d.sendAll(t)
		if n := len(server.Mails()); n != 1 {
			t.Errorf("%d mails arrive within the lease", n)
		}
		d.advance(time.Second)
		d.sendAll(t)
		if n := len(server.Mails()); n != 3 || d.waiting(t, store) != 0 {
			t.Errorf("%d mails arrive in the end", n)
		}
	})
}

func TestASlowServerOutlastsNoClaim(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		d.notify(t, store, 10)
		var slow atomic.Bool
		server.Fail(nil, nil, func() error {
			if slow.CompareAndSwap(false, true) {
				d.advance(notify.SendTime - time.Second)
				d.sendAnother(t)
				slow.Store(false)
			}
			return nil
		})
		d.sendAll(t)
		_, ids := mailsTaken(t, server)
		if once := unique(ids); len(ids) != 10 || once != 10 {
			t.Errorf("%d mails, %d different", len(ids), once)
		}
	})
}

// sendAnother sends the other due mails, as another replica does.
func (d *desk) sendAnother(t *testing.T) {
	t.Helper()
	if _, err := d.Notify.SendNext(t.Context(), models.MailRest); err != nil {
		t.Error(err)
	}
}

// There are 300 mails, 60 in a short run, and a thousand with LATCHKEY_SOAK=1.
func TestTwoReplicasSendManyMailsOnceAndLoseNoneToFaults(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		mails := 300
		switch {
		case testing.Short():
			mails = 60
		case os.Getenv("LATCHKEY_SOAK") != "":
			mails = 1000
		}
		for _, faulty := range []bool{false, true} {
			server := d.post(t)
			if faulty {
				var mu sync.Mutex
				n := 0
				every := func(which int) func() error {
					return func() error {
						mu.Lock()
						defer mu.Unlock()
						if n++; n%which == 0 {
							return mailtest.ErrHangUp
						}
						return nil
					}
				}
				server.Fail(nil, every(7), every(11))
			}
			d.notify(t, store, mails)
			var replicas sync.WaitGroup
			for range 2 {
				replicas.Go(func() {
					for began := time.Now(); d.waiting(t, store) > 0; {
						if _, err := d.Notify.SendMails(t.Context()); err != nil || time.Since(began) > 3*time.Minute {
							t.Error("not all could be sent", err)
							return
						}
						if faulty { // time passes only here, or leases would run out while the other replica sends
							d.advance(time.Second)
						}
					}
				})
			}
			replicas.Wait()
			_, ids := mailsTaken(t, server)
			different := unique(ids)
			t.Logf("faults %v: %d mails, %d delivered, %d of them once more than needed, %d lost", faulty, mails, len(ids), len(ids)-different, mails-different)
			if different != mails || !faulty && len(ids) != mails || d.waiting(t, store) != 0 {
				t.Errorf("faults %v: %d different mails of %d, %d deliveries, %d wait", faulty, different, mails, len(ids), d.waiting(t, store))
			}
		}
	})
}

func unique(ids []string) int {
	seen := map[string]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	return len(seen)
}

func TestRunSendsWhatIsWritten(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newDesk(t, store)
		server := d.post(t)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.Operator.Run(ctx) })
		defer running.Wait()
		defer stop()
		for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
			if kind := d.try(t, adaEmail, adaPassword, at(ip)); kind != -1 {
				t.Fatal(kind)
			}
		}
		for began := time.Now(); len(server.Mails()) == 0 || d.waiting(t, store) > 0; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatal("nothing was sent")
			}
		}
	})
}
