package services_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// limited is a visitor with a limit for the devices of notes.
func limited(t *testing.T, store *models.Store, l client.Limits) *visitor {
	t.Helper()
	v := newVisitor(t, store)
	if _, err := v.Clients.Update(t.Context(), "notes", client.Change{Limits: l}); err != nil {
		t.Fatal(err)
	}
	return v
}

// choose approves a request of notes in the place of a device.
func (v *visitor) choose(t *testing.T, device string) (grant.Code, error) {
	t.Helper()
	return v.Grants.Approve(t.Context(), v.here(t), grant.Approval{Sealed: v.request(t).Text, DeviceName: "Notes on the laptop", Replace: device, From: v.laptop})
}

// chosen returns a code for an app that takes the place of a device.
func (v *visitor) chosen(t *testing.T, device uuid.UUID) string {
	t.Helper()
	code, err := v.choose(t, device.String())
	if err != nil {
		t.Fatal(err)
	}
	return code.Text
}

func (v *visitor) isLive(t *testing.T, id uuid.UUID) bool {
	t.Helper()
	_, err := v.store.LiveDevice(t.Context(), v.ada.ID, id, v.live())
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// asksFor reports whether an error is about a field alone.
func asksFor(err error, field string) bool {
	own := auth.AsError(err)
	return own.Kind == auth.KindInvalidRequest && len(own.Fields) == 1 && own.Fields[0].Field == field
}

func TestAPersonChoosesWhichDeviceMakesRoom(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := limited(t, store, client.Limits{MaxDevices: of(2)})
		server, seen := v.post(t), 0
		old := v.loginAt(t, "notes").DeviceID
		v.advance(time.Minute)
		kept, other := v.loginAt(t, "notes").DeviceID, v.loginAt(t, "other").DeviceID
		if _, err := v.Operator.AddUser(t.Context(), "eve@example.com", adaPassword, models.RoleUser); err != nil {
			t.Fatal(err)
		}
		eve, err := v.SignIn.Login(t.Context(), signin.LoginRequest{Email: "eve@example.com", Password: adaPassword, DeviceName: "eve's", ClientID: "notes", From: at("192.0.2.1")})
		if err != nil {
			t.Fatal(err)
		}
		room, err := v.Grants.Room(t.Context(), v.here(t), "notes")
		if err != nil || !room.Full || room.OfAll || room.Most != 2 || room.Has != 2 || len(room.Devices) != 2 || room.Devices[0].ID != old || room.Devices[1].ID != kept {
			t.Fatalf("%+v %v", room, err)
		}
		if room, err := v.Grants.Room(t.Context(), v.here(t), "other"); err != nil || room.Full || len(room.Devices) > 0 {
			t.Errorf("another app: %+v %v", room, err)
		}
		v.told(t, server, &seen)
		for name, id := range map[string]string{
			"nothing": "", "a word": "old", "no device": models.NewID(v.now()).String(), "another app's": other.String(), "another person's": eve.DeviceID.String(),
			"the browser": v.key.DeviceID.String(), "all": "*",
		} {
			if code, err := v.choose(t, id); !asksFor(err, "replace") || code.Text != "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		unused, code := v.chosen(t, old), v.chosen(t, old)
		if !v.isLive(t, old) {
			t.Error("a code that is not redeemed signs a device out")
		}
		answer := v.redeem(t, code)
		if v.isLive(t, old) || !v.isLive(t, kept) || !v.isLive(t, other) || !v.isLive(t, answer.DeviceID) {
			t.Errorf("live are %v", v.apps(t))
		}
		row, err := store.Device(t.Context(), v.ada.ID, old)
		if err != nil || row.RevokeReason != models.RevokedForRoom || row.RevokedBy != models.ActorOwner || v.countOf(t, v.ada.ID, models.EventDeviceRevoked) != 1 {
			t.Errorf("%+v %v", row, err)
		}
		if _, kinds := v.told(t, server, &seen); kinds != "device_room" {
			t.Errorf("mails: %s", kinds)
		}
		if again := v.redeem(t, code); again.DeviceID != answer.DeviceID || v.countOf(t, v.ada.ID, models.EventDeviceRevoked) != 1 {
			t.Error("a lost answer is not given again")
		}
		if _, err := v.Grants.Redeem(t.Context(), v.redemption(unused)); refused(err) != auth.KindTooManyDevices || !v.isLive(t, kept) || !v.isLive(t, answer.DeviceID) {
			t.Errorf("a second code for the place that is taken: %v", err)
		}
		if _, reason := v.refreshAs(t, "notes", eve.RefreshToken); reason != "" {
			t.Errorf("another person's device: %s", reason)
		}
	})
}

// The place is judged again when the app takes its tokens: others may have been faster. Nothing is lost then, and the code stays good.
func TestAPlaceThatIsTakenBetweenTheApprovalAndTheCode(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := limited(t, store, client.Limits{MaxDevices: of(2)})
		old, other := v.loginAt(t, "notes").DeviceID, v.loginAt(t, "notes").DeviceID
		signOut := func(id uuid.UUID) {
			t.Helper()
			if _, err := v.Devices.Revoke(t.Context(), v.here(t), id.String(), v.laptop); err != nil {
				t.Fatal(err)
			}
		}
		code := v.chosen(t, old)
		signOut(old)
		late := v.loginAt(t, "notes").DeviceID
		if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindTooManyDevices {
			t.Errorf("the place is taken: %v", err)
		}
		if !v.isLive(t, other) || !v.isLive(t, late) || len(v.apps(t)) != 2 {
			t.Errorf("a refused code signed a device out")
		}
		signOut(late)
		answer := v.redeem(t, code)

		// The device has ended, and its row is gone: there is room all the same.
		code = v.chosen(t, other)
		signOut(other)
		if _, err := store.Pools()[0].ExecContext(t.Context(), "DELETE FROM devices WHERE id = '"+other.String()+"'"); err != nil {
			t.Fatal(err)
		}
		v.redeem(t, code)
		if !v.isLive(t, answer.DeviceID) || len(v.apps(t)) != 2 {
			t.Errorf("live are %v", v.apps(t))
		}

		// One device makes room once, however many codes are redeemed at a time.
		codes := []string{v.chosen(t, answer.DeviceID), v.chosen(t, answer.DeviceID), v.chosen(t, answer.DeviceID)}
		var done atomic.Int64
		raceTogether(len(codes), func(i int) {
			switch _, err := v.Grants.Redeem(t.Context(), v.redemption(codes[i])); {
			case err == nil:
				done.Add(1)
			case refused(err) != auth.KindTooManyDevices:
				t.Error(err)
			}
		})
		if done.Load() != 1 || len(v.apps(t)) != 2 {
			t.Errorf("%d codes made room with one device, %d are live", done.Load(), len(v.apps(t)))
		}
	})
}

// No app signs out others again and again, not even one that signs in at each start without a page.
func TestASilentAppMakesRoomOnlySoOften(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := limited(t, store, client.Limits{MaxDevices: of(2), OnLimit: of(models.OnLimitReplaceOldest)})
		v.redeem(t, v.given(t))
		start := func() any {
			t.Helper()
			v.advance(time.Minute)
			code, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none"), v.here(t), "Notes", v.laptop)
			if err == nil {
				v.redeem(t, code.Text)
			}
			return refused(err)
		}
		var got []any
		for range 5 {
			got = append(got, start())
		}
		if want := []any{nil, nil, nil, "interaction_required", "interaction_required"}; !slices.Equal(got, want) || v.countOf(t, v.ada.ID, models.EventDeviceRevoked) != 2 {
			t.Errorf("%v, and %d devices made room", got, v.countOf(t, v.ada.ID, models.EventDeviceRevoked))
		}
		if _, err := v.choose(t, ""); !asksFor(err, "replace") {
			t.Errorf("the page does not ask: %v", err)
		}
		v.redeem(t, v.chosen(t, v.apps(t)[0].ID))
		v.advance(24 * time.Hour)
		v.signIn(t, v.laptop)
		if got := start(); got != nil {
			t.Errorf("the next day: %v", got)
		}
	})
}

func TestASilentAppAtItsLimitSendsThePersonToThePage(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		v := limited(t, store, client.Limits{MaxDevices: of(1)})
		silent := func() any {
			_, err := v.Grants.Silent(t.Context(), v.request(t, "prompt", "none"), v.here(t), "Notes", v.laptop)
			return refused(err)
		}
		if got := silent(); got != "interaction_required" {
			t.Errorf("an app that was never approved: %v", got)
		}
		code := v.given(t)
		if got := silent(); got != nil {
			t.Errorf("with room: %v", got)
		}
		v.redeem(t, code)
		if got := silent(); got != "interaction_required" {
			t.Errorf("without: %v", got)
		}
	})
}

func TestTheLimitOfAllAppsIsJudgedAtTheApproval(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		v.change(t, func(c *services.Config) { c.MaxDevices = 2 })
		v.loginAt(t, "other")
		other := v.loginAt(t, "other").DeviceID
		room, err := v.Grants.Room(t.Context(), v.here(t), "notes")
		if err != nil || !room.Full || !room.OfAll || room.Most != 2 || len(room.Devices) != 0 {
			t.Errorf("%+v %v", room, err)
		}
		for _, id := range []string{"", other.String()} {
			if _, err := v.choose(t, id); refused(err) != auth.KindTooManyDevices || !v.isLive(t, other) {
				t.Errorf("nothing of notes to choose: %v", err)
			}
		}
		if _, err := v.Devices.Revoke(t.Context(), v.here(t), other.String(), v.laptop); err != nil {
			t.Fatal(err)
		}
		own := v.redeem(t, v.given(t)).DeviceID
		if room, err := v.Grants.Room(t.Context(), v.here(t), "notes"); err != nil || !room.OfAll || len(room.Devices) != 1 || room.Devices[0].ID != own {
			t.Errorf("%+v %v", room, err)
		}
		v.redeem(t, v.chosen(t, own))
		if _, err := v.Clients.Update(t.Context(), "notes", client.Change{Limits: client.Limits{MaxDevices: of(1), OnLimit: of(models.OnLimitReplaceOldest)}}); err != nil {
			t.Fatal(err)
		}
		if room, err := v.Grants.Room(t.Context(), v.here(t), "notes"); err != nil || room.Full {
			t.Errorf("a device that makes room by itself leaves a place among all: %+v %v", room, err)
		}
		v.redeem(t, v.given(t))
		v.change(t, func(c *services.Config) { c.MaxDevices = 0 })
		if room, err := v.Grants.Room(t.Context(), v.here(t), "other"); err != nil || room.Full {
			t.Errorf("without any limit: %+v %v", room, err)
		}
	})
}

// At most challenge.MaxOffered are offered; one that is not among them can be chosen, too.
func TestALongListOfDevicesIsCut(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		var last uuid.UUID
		for range challenge.MaxOffered + 1 {
			v.advance(time.Hour)
			last = v.deviceAt(t, "notes", "").DeviceID
		}
		v.signIn(t, v.laptop)
		if _, err := v.Clients.Update(t.Context(), "notes", client.Change{Limits: client.Limits{MaxDevices: of(challenge.MaxOffered)}}); err != nil {
			t.Fatal(err)
		}
		room, err := v.Grants.Room(t.Context(), v.here(t), "notes")
		if err != nil || len(room.Devices) != challenge.MaxOffered || room.Has != challenge.MaxOffered+1 || room.Devices[0].LastSeenAt.After(room.Devices[1].LastSeenAt) {
			t.Errorf("%d of %d, %v", len(room.Devices), room.Has, err)
		}
		v.redeem(t, v.chosen(t, last))
		if v.isLive(t, last) {
			t.Error("the newest cannot be chosen")
		}
	})
}

func TestATelevisionTakesThePlaceThatThePersonChose(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		d := newTVDesk(t, store)
		if _, err := d.Clients.Update(t.Context(), "tv", client.Change{Limits: client.Limits{MaxDevices: of(1)}}); err != nil {
			t.Fatal(err)
		}
		first := d.start()
		d.approve(first.UserCode)
		old, err := d.poll(first.DeviceCode, at(couch))
		if err != nil {
			t.Fatal(err)
		}
		radio := d.loginAt(t, "radio").DeviceID
		second := d.start()
		a := d.approval(d.find(second.UserCode))
		for _, id := range []string{"", radio.String()} {
			a.Replace = id
			if err := d.DeviceCodes.Approve(t.Context(), d.ada, a); !asksFor(err, "replace") {
				t.Errorf("%q: %v", id, err)
			}
		}
		d.want("not approved", "authorization_pending", d.pollErr(second.DeviceCode))
		a.Replace = old.DeviceID.String()
		a.Confirmation = confirmed("not her password", at(couch))
		d.want("a wrong password", "wrong password", d.DeviceCodes.Approve(t.Context(), d.ada, a))
		a.Confirmation = confirmed(adaPassword, at(couch))
		d.want("approved", "ok", d.DeviceCodes.Approve(t.Context(), d.ada, a))
		d.lookAgain()
		if _, err := store.LiveDevice(t.Context(), d.desk.ada.ID, old.DeviceID, d.live()); err != nil {
			t.Errorf("the approval alone signs out: %v", err)
		}
		next, err := d.poll(second.DeviceCode, at(couch))
		if err != nil {
			t.Fatal(err)
		}
		for id, live := range map[uuid.UUID]bool{old.DeviceID: false, next.DeviceID: true, radio: true} {
			if _, err := store.LiveDevice(t.Context(), d.desk.ada.ID, id, d.live()); (err == nil) != live || err != nil && !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

// pollErr is the error of a poll.
func (d *tvDesk) pollErr(code string) error {
	d.advance(grant.PollPause)
	_, err := d.poll(code, at(couch))
	return err
}
