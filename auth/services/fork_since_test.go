package services_test

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/device"
	"latchkey/auth/notify"
	"latchkey/auth/token"
	"latchkey/models"
)

// everythingSince signs a device out with everything since: on the portal, confirmed or not, by an app, or by the link "This wasn't me".
func (w *forkWorld) everythingSince(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "another two of one moment") == 0 {
		w.newSignIn(rt)
		w.newSignIn(rt)
	}
	x := w.devices[len(w.devices)-1]
	if rapid.Bool().Draw(rt, "an older one") {
		x = rapid.SampledFrom(w.devices).Draw(rt, "device")
	}
	how := rapid.SampledFrom([]string{"portal", "portal, confirmed", "API", "link"}).Draw(rt, "how")
	reason := models.RevokedByOwner
	var keep *forkDevice
	var err error
	switch how {
	case "link":
		reason, err = models.RevokedByNotMe, w.thisWasNotMe(x.key.UserID, x.key.ID, at(forkHome))
	case "API":
		if keep = w.liveBeside(rt, x); keep == nil {
			return
		}
		err = w.sinceByApp(x, keep)
	default:
		err = w.sinceOnThePortal(x, how != "portal")
	}
	switch unknown := auth.AsError(err).Kind == auth.KindNotFound; {
	case err != nil && auth.AsError(err).Kind == auth.KindRateLimited: // an app confirms so many times an hour
		return
	case x.row == nil && how != "link": // the database went back to before its sign-in
		w.promise(unknown, "(h) nothing since outlives the act", "%s about a device that is not there: %v", how, err)
		w.checkAll()
		return
	case err != nil:
		rt.Fatalf("everything since, %s: %v", how, err)
	}
	goes := func(d *forkDevice) bool {
		return d != keep && (d.order >= x.order || x.row == nil) // by the link, everything where X is gone
	}
	var before []*forkDevice // that were not signed out before
	for _, d := range w.of(x.user) {
		if d.row != nil && d.row.revoked == "" {
			before = append(before, d)
		}
	}
	w.signOut(reason, slices.DeleteFunc(w.of(x.user), func(d *forkDevice) bool { return !goes(d) })...)
	for _, d := range w.of(x.user) {
		stored, err := w.store.Device(w.t.Context(), d.key.UserID, d.key.ID)
		if errors.Is(err, models.ErrNotFound) {
			continue
		}
		if err != nil {
			rt.Fatal(err)
		}
		if goes(d) && slices.Contains(before, d) {
			w.ended++
		}
		w.promise(stored.RevokedAt != nil == (goes(d) || !slices.Contains(before, d)), "(h) nothing since outlives the act, and nothing else ends",
			"%s about sign-in %d: sign-in %d is out: %v; it acts: %v", how, x.order, d.order, stored.RevokedAt != nil, d == keep)
	}
	w.sinces++
	w.checkAll()
}

// liveBeside returns another device of the same person that is signed in, or nil.
func (w *forkWorld) liveBeside(rt *rapid.T, x *forkDevice) *forkDevice {
	list := slices.DeleteFunc(w.of(x.user), func(d *forkDevice) bool {
		return d == x || d.row == nil || d.row.revoked != "" || !d.row.expires.After(w.now()) || !d.row.lastSeen.After(w.now().Add(-w.config.DeviceIdle))
	})
	if len(list) == 0 {
		return nil
	}
	return rapid.SampledFrom(list).Draw(rt, "who acts")
}

func (w *forkWorld) sinceByApp(x, keep *forkDevice) error {
	claims := &token.Claims{Subject: keep.key.UserID.String(), SessionID: keep.key.ID.String()}
	given, err := w.Confirm.App(w.t.Context(), confirm.AppRequest{Claims: claims, Password: w.passwords[x.user], From: at(forkHome)})
	if err != nil {
		return err
	}
	_, err = w.Devices.RevokeSinceByToken(w.t.Context(), device.SinceAct{
		AppAct: confirm.AppAct{Claims: claims, Confirmation: given.Confirmation, From: at(forkHome)}, ID: x.key.ID.String(),
	})
	return err
}

func (w *forkWorld) sinceOnThePortal(x *forkDevice, confirms bool) error {
	var refused error
	err := w.onThePortal(x.user, func(ctx context.Context, by *browser.Session) error {
		var c *confirm.Confirmation
		if confirms {
			password := confirmed(w.passwords[x.user], at(forkHome))
			c = &password
		}
		_, refused = w.Devices.RevokeSince(ctx, by, x.key.ID.String(), c, at(forkHome))
		return nil // the browser acts, so it is signed in still
	})
	return errors.Join(err, refused)
}

// thisWasNotMe answers the mail about the sign-in of a device. Then the owner has a password again.
func (b *forkBench) thisWasNotMe(user, id uuid.UUID, from auth.Caller) error {
	link, secret := notify.NewLink(user, notify.LinkNotMe, id.String(), b.now(), notify.NotMeLife)
	mail := models.OutgoingMail{ID: models.NewID(b.now()), UserID: user, Kind: "test", CreatedAt: b.now(), Sealed: []byte{}}
	if err := b.store.AddMail(b.t.Context(), models.MailWithLinks{Mail: &mail, Links: []models.OneTime{link}}); err != nil {
		return err
	}
	_, err := b.Accounts.AnswerNotMe(b.t.Context(), secret, from)
	b.exec("UPDATE users SET locked_at = NULL", "DELETE FROM mails")
	return err
}
