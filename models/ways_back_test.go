package models_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
	"latchkey/models/modelstest"
)

const day = 24 * time.Hour

// theft plays an account that changes its address, and shows which links can take it back.
type theft struct {
	t       testing.TB
	s       *models.Store
	u       models.User
	now     time.Time
	changes int
	links   map[string][]string // by address: the secrets in its mailbox, oldest first
}

func newTheft(t testing.TB, s *models.Store) *theft {
	return &theft{t: t, s: s, u: addUser(t, s), now: noon, links: map[string][]string{}}
}

// try changes the account's address and puts the links of the mails into the mailboxes.
func (x *theft) try(to string) error {
	x.t.Helper()
	x.changes++
	secret := fmt.Sprintf("%s %d to %s", x.u.ID, x.changes, to)
	if err := ask(x.t, x.s, x.u, secret, x.now); err != nil {
		x.t.Fatal(err)
	}
	c := move(x.u, secret, to, x.now)
	c.Version = factorsVersion(x.t, x.s, x.u)
	got := map[string]string{}
	back := func(address string) []byte {
		got[address] = fmt.Sprintf("%s %d back to %s", x.u.ID, x.changes, address)
		return hashOf(got[address])
	}
	c.Former.Hash = back(x.u.EmailKey)
	c.WayBack = func(f models.FormerAddress) (models.FormerAddress, models.MailWithLinks) {
		f.Hash, f.ExpiresAt = back(f.EmailKey), x.now.Add(holdFor)
		return f, mailTo(x.u, "again", f.Email, x.now)
	}
	if err := x.s.ChangeEmail(x.t.Context(), c); err != nil {
		return err
	}
	for address, link := range got {
		x.links[address] = append(x.links[address], link)
	}
	x.u = user(x.t, x.s, x.u)
	return nil
}

func (x *theft) move(to string) {
	x.t.Helper()
	if err := x.try(to); err != nil {
		x.t.Fatalf("to %s: %v", to, err)
	}
}

// back uses the links in a mailbox, newest first, until one works.
func (x *theft) back(address string) bool {
	x.t.Helper()
	for _, secret := range slices.Backward(x.links[address]) {
		_, err := x.s.UndoEmailChange(x.t.Context(), undo(secret, x.now))
		if err == nil {
			x.unlock()
			return true
		}
		if !errors.Is(err, models.ErrNotFound) {
			x.t.Fatal(err)
		}
	}
	return false
}

// unlock stands for the password reset by mail after the password was locked.
func (x *theft) unlock() {
	exec(x.t, x.s, "UPDATE users SET locked_at = NULL WHERE id = '"+x.u.ID.String()+"'")
	x.u = user(x.t, x.s, x.u)
}

// acts are what a person with the password or the present mailbox can do besides changing the address.
func (x *theft) acts() map[string]func() {
	return map[string]func(){
		"a new password": func() {
			_, err := x.s.ChangePassword(x.t.Context(), models.PasswordChange{UserID: x.u.ID, Proof: models.Proof{Verified: x.u.PasswordHash, Version: x.proof().Version}, Hash: x.u.PasswordHash, At: x.now, Event: event(models.EventPasswordChanged, x.u.ID, x.now)})
			x.must(err)
		},
		"a reset by mail": func() {
			reset := link(x.u, models.ResetLink, "reset "+x.u.ID.String()+x.now.String(), x.now)
			x.must(x.s.AddMail(x.t.Context(), mailTo(x.u, "reset", x.u.Email, x.now, reset)))
			_, err := x.s.ResetPassword(x.t.Context(), models.PasswordReset{Purpose: models.ResetLink, Link: reset.Hash, UserID: x.u.ID, EmailKey: x.u.EmailKey, PasswordHash: x.u.PasswordHash, At: x.now, Event: event(models.EventPasswordReset, x.u.ID, x.now)})
			x.must(err)
		},
		"this wasn't me": func() {
			alarm := link(x.u, "alarm", "alarm "+x.u.ID.String()+x.now.String(), x.now)
			alarm.Subject = models.EveryDevice + x.now.String()
			x.must(x.s.AddMail(x.t.Context(), mailTo(x.u, "alarm", "", x.now, alarm)))
			_, err := x.s.ReportNotMe(x.t.Context(), models.NotMeReport{Purpose: "alarm", Hash: alarm.Hash, At: x.now, Event: event(models.EventLocked, uuid.Nil, x.now)})
			x.must(err)
			x.unlock()
		},
		"the button": func() {
			_, err := x.s.EndWaysBack(x.t.Context(), event(models.EventWaysBackEnded, x.u.ID, x.now), x.proof())
			x.must(err)
		},
	}
}

// proof is what a person who knows the account's factors comes with.
func (x *theft) proof() models.Proof { return models.Proof{Version: factorsVersion(x.t, x.s, x.u)} }

func (x *theft) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *theft) wait(d time.Duration) { x.now = x.now.Add(d) }

func TestAThiefsActsEndNoWayBackOfTheOwner(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name, before := range map[string]func(x *theft){
			"theft on day 3 of the account":       func(x *theft) { x.wait(3 * day) },
			"theft on day 5 of an honest address": func(x *theft) { x.wait(400 * day); x.move("honest-" + x.u.EmailKey); x.wait(5 * day) },
			"theft from an address taken back": func(x *theft) {
				x.move("early-" + x.u.EmailKey)
				x.wait(day)
				if !x.back(strings.TrimPrefix(x.u.EmailKey, "early-")) {
					t.Fatal("not taken back")
				}
			},
		} {
			x := newTheft(t, s)
			before(x)
			owner := x.u.EmailKey
			x.move("evil1-" + owner)
			for what, act := range x.acts() {
				x.wait(time.Hour)
				act()
				if ways, err := s.WaysBack(t.Context(), x.u, x.now); err != nil || !slices.ContainsFunc(ways, func(w models.WayBack) bool { return strings.EqualFold(w.Email, owner) && !w.Later }) {
					t.Errorf("%s, %s: the ways back are %+v, %v", name, what, ways, err)
				}
			}
			x.wait(day)
			x.move("evil2-" + owner)
			x.move("evil1-" + owner) // the return to an earlier address
			x.wait(5 * day)
			if !x.back(owner) || x.u.EmailKey != owner {
				t.Errorf("%s: the owner's link is dead, the address is %s", name, x.u.EmailKey)
			}
			if x.back("evil1-"+owner) || x.back("evil2-"+owner) {
				t.Errorf("%s: the thief comes again", name)
			}
		}
	})
}

func TestAThiefWhoGoesOnDoesNotOutlastTheOwner(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		x := newTheft(t, s)
		x.wait(100 * day)
		owner := x.u.EmailKey
		for i := 1; i <= 3; i++ {
			x.move(fmt.Sprintf("evil%d@example.org", i))
			x.wait(6 * day)
		}
		if !x.back(owner) {
			t.Fatal("six days after the last change the owner's link is dead")
		}
		if x.u.EmailSince != nil {
			t.Errorf("the address that was taken back counts from %v, not from the start", x.u.EmailSince)
		}
		for i := 1; i <= 3; i++ {
			if x.back(fmt.Sprintf("evil%d@example.org", i)) {
				t.Errorf("evil%d works after that", i)
			}
		}
		mails := taken(t, s, x.now)
		if !slices.Contains(mails, "again "+owner) || !slices.Contains(mails, "again EVIL1@EXAMPLE.ORG") {
			t.Errorf("mails %q", mails)
		}
	})
}

func TestAnOwnerWhoChangesBackAfterTwoMovesIsSafe(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		x := newTheft(t, s)
		owner := x.u.EmailKey
		x.wait(30 * day)
		x.move("evil1@example.org")
		x.wait(6 * day)
		x.move("evil2@example.org")
		x.wait(2 * day) // eight days after the first mail
		x.acts()["a new password"]()
		x.move(owner)
		if x.u.EmailSince != nil {
			t.Errorf("the address counts from %v, not from the start", x.u.EmailSince)
		}
		if x.back("evil1@example.org") || x.back("evil2@example.org") {
			t.Errorf("the thief comes again: %s", x.u.EmailKey)
		}
		if !x.back(owner) {
			t.Error("the owner's own link is dead")
		}
		// Much later it is an address like any other.
		x.move("b@example.org")
		x.wait(8 * day)
		x.move(owner)
		if x.u.EmailSince == nil || !x.u.EmailSince.Equal(x.now) {
			t.Errorf("a later return counts from %v", x.u.EmailSince)
		}
	})
}

func TestAWayBackToALaterAddressIsEndedByEachAct(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		for name := range newTheft(t, s).acts() {
			x := newTheft(t, s)
			owner := x.u.EmailKey
			x.move("b-" + owner)
			x.wait(time.Hour)
			// As a release without the column since may leave it.
			rest := models.FormerAddress{Hash: hashOf("late " + owner), UserID: x.u.ID, Email: "late", EmailKey: "late-" + owner, Seq: 9, Since: &x.now, CreatedAt: x.now, ExpiresAt: x.now.Add(holdFor)}
			insertFormer(t, s, rest)
			x.wait(time.Hour)
			if ways, err := s.WaysBack(t.Context(), x.u, x.now); err != nil || len(ways) != 2 || ways[0].Later || !ways[1].Later {
				t.Errorf("%s: before: %+v, %v", name, ways, err)
			}
			x.acts()[name]()
			if _, err := s.FindFormerAddress(t.Context(), rest.Hash, x.now); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s ends no way back to a later address: %v", name, err)
			}
			if !x.back(owner) {
				t.Errorf("%s: the older link is dead", name)
			}
		}
	})
}

func insertFormer(t *testing.T, s *models.Store, f models.FormerAddress) {
	t.Helper()
	q := "INSERT INTO former_addresses (hash, user_id, email, email_key, seq, since, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
	if _, err := s.Pools()[0].ExecContext(t.Context(), q, f.Hash, f.UserID, f.Email, f.EmailKey, f.Seq, f.Since, f.CreatedAt, f.ExpiresAt); err != nil {
		t.Fatal(err)
	}
}

func TestTheWaysBackOfAnAccountAreBounded(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *models.Store) {
		x := newTheft(t, s)
		owner, moves := x.u.EmailKey, 0
		for ; moves < 40; moves++ {
			if err := x.try(fmt.Sprintf("a%d@example.org", moves)); errors.Is(err, models.ErrTooManyWaysBack) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, s, "SELECT count(*) FROM former_addresses"); moves != 7 || n > 30 || x.u.EmailKey != "a6@example.org" {
			t.Errorf("%d moves, %d rows, at %s", moves, n, x.u.EmailKey)
		}
		x.move("a0@example.org") // a return needs no more of them
		if !x.back(owner) {
			t.Error("the owner's link is dead")
		}
	})
}

// Whatever the thief does, the owner has a way back for at least as long as the thief has one. Once the owner has used it, the
// thief has none.
func TestWhateverAThiefDoesTheOwnersWayBackLastsLonger(t *testing.T) {
	s := open(t, models.Config{URL: modelstest.SQLite(t)})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(25) {
		play(t, s, rand.New(rand.NewPCG(seed, 12)))
	}
}

// open returns until when the owner (true) and the thief (false) have a way back.
func (x *theft) open() map[bool]time.Time {
	x.t.Helper()
	ways, err := x.s.WaysBack(x.t.Context(), x.u, x.now)
	x.must(err)
	until := map[bool]time.Time{}
	for _, w := range ways {
		mine := !strings.HasPrefix(strings.ToLower(w.Email), "evil")
		if w.Until.After(until[mine]) {
			until[mine] = w.Until
		}
	}
	return until
}

func play(t *testing.T, s *models.Store, r *rand.Rand) {
	t.Helper()
	x := newTheft(t, s)
	x.wait(time.Duration(r.IntN(20)) * day)
	owner, evil, story := x.u.EmailKey, []string{}, ""
	for range 14 {
		x.wait(time.Duration(r.IntN(72)) * time.Hour)
		if len(evil) > 0 && x.open()[true].IsZero() {
			return // the owner did not come for a week
		}
		names := []string{"a new password", "a reset by mail", "this wasn't me", "the button"}
		switch n := r.IntN(8); {
		case n < 4:
			story += ", " + names[n]
			x.acts()[names[n]]()
		case n == 4 && len(evil) > 0:
			to := evil[r.IntN(len(evil))]
			story += ", back by mail to " + to
			x.back(to)
		case n == 5 && len(evil) > 0 && evil[0] != x.u.EmailKey:
			story += ", return to " + evil[0]
			_ = x.try(evil[0])
		default:
			to := fmt.Sprintf("evil%d-%s", len(evil), owner)
			story += ", on to " + to
			if err := x.try(to); err == nil {
				evil = append(evil, to)
			}
		}
		if until := x.open(); until[false].After(until[true]) {
			t.Fatalf("the thief's way back outlasts the owner's%s: %v", story, until)
		}
	}
	if !x.back(owner) {
		t.Fatalf("the owner's link is dead%s", story)
	}
	for _, address := range evil {
		if x.back(address) {
			t.Fatalf("%s works afterwards%s", address, story)
		}
	}
}
