package models

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// ErrYoungFactor says that an act was confirmed with a factor that it would remove.
var ErrYoungFactor = errors.New("confirmed with a factor that was added since")

// SinceRevocation signs out a device and everything that was signed in after it.
type SinceRevocation struct {
	Device DeviceKey // the device, live or not
	Keep   uuid.UUID // the device that acts: it stays signed in, whenever it signed in
	// Proof is what confirmed the act. Then the factors that were added since go, too, unless KeepFactors says otherwise. Nil: nothing confirmed it,
	// and the factors stay: a thief with a copied cookie must not remove the owner's.
	Proof       *Proof
	KeepFactors bool
	Event       Event // RevokeSince fills in its device and its detail
	Mail        func(SinceDone) MailWithLinks
}

// SinceDone is what RevokeSince has done.
type SinceDone struct {
	Name    string // of the device
	Devices int64  // that were signed out now, with that one
	Later   int64  // of these, those besides that one
	Trusted int64  // browsers that are trusted no more
	Factors FactorsGone
	Left    FactorsGone // factors that were added since and stay
}

// None reports whether nothing was ended that the owner could see.
func (d SinceDone) None() bool { return d.Devices == 0 && d.Trusted == 0 && d.Factors.None() }

// The words of SinceDone.String before those of FactorsGone. They are stored in events.
const (
	doneLater   = "later="
	doneTrusted = "trusted="
)

// String is how events store what was ended: "later=3 trusted=1 passkeys=2 app codes". The number of later devices is always there.
func (d SinceDone) String() string {
	words := []string{doneLater + strconv.FormatInt(d.Later, 10)}
	if d.Trusted > 0 {
		words = append(words, doneTrusted+strconv.FormatInt(d.Trusted, 10))
	}
	if !d.Factors.None() {
		words = append(words, d.Factors.String())
	}
	return strings.Join(words, " ")
}

// SinceLater reads how many later devices were signed out from what String wrote, or returns 0.
func SinceLater(detail string) int {
	first, _, _ := strings.Cut(detail, " ")
	number, _ := strings.CutPrefix(first, doneLater)
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// RevokeSince revokes a device and every device that signed in at the same time or later, except the one that acts. It ends what could become
// one: what was approved and not taken yet, the consents, trusted browsers, open challenges and links for a new address. The account forgets the origins
// that it has known since. A sign-in, an approval or a new factor that was decided before fails. With a proof it removes the factors that were added
// since; the factor of the proof must be older. RevokeSince writes the event and the mail when it ended something that the owner could see.
//
// Links for a new password stay: who reads the owner's mail gets another at once, and a thief with a copied cookie could keep the owner from theirs.
//
// It returns ErrNotFound when the user has no such device, ErrAppGone when the device that acts was signed out, ErrYoungFactor when what confirmed the act would go with it, and ErrChanged or ErrUsed as
// UseFactor does; then nothing was changed.
func (s *Store) RevokeSince(ctx context.Context, r SinceRevocation) (done SinceDone, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		done = SinceDone{}
		user, e := r.Device.UserID, r.Event
		if err := r.lock(tx); err != nil {
			return err
		}
		var d Device
		if err := tx.Where("user_id = ? AND id = ?", user, r.Device.ID).Take(&d).Error; err != nil {
			return err
		}
		since := d.moment()
		if err := r.judge(tx, since); err != nil {
			return err
		}
		done.Name = d.Name
		e.DeviceID, e.DeviceName = uuid.NullUUID{UUID: d.ID, Valid: true}, d.Name
		which := since.devices()
		rows, err := revoke(tx, noticeColumns, revocation{e.At, e.Actor, RevokedByOwner}, user, which.sql+" AND id <> ?", append(which.args, r.Keep)...)
		if err != nil {
			return err
		}
		done.Devices, done.Later = int64(len(rows)), int64(len(rows))
		if d.RevokedAt == nil {
			done.Later--
		}
		if done.Trusted, err = endSince(tx, user, since, r.Event); err != nil {
			return err
		}
		if err := r.factors(tx, since, e, &done); err != nil || done.None() {
			return err
		}
		e.Detail = done.String()
		if err := addEvent(tx, e); err != nil || r.Mail == nil {
			return err
		}
		return addMail(tx, r.Mail(done))
	})
	return done, wrapErr("revoke devices", err)
}

// lock locks the user's row and the device that acts, and uses up what confirmed the act.
func (r SinceRevocation) lock(tx *gorm.DB) (err error) {
	if r.Proof != nil {
		err = r.Proof.use(tx, r.Device.UserID, r.Event.At)
	} else {
		err = lockExistingUsers(tx, r.Device.UserID)
	}
	if err != nil {
		return err
	}
	return lockActingApp(tx, r.Device.UserID, r.Keep)
}

// judge returns ErrYoungFactor when factors would go and no older one confirmed that.
func (r SinceRevocation) judge(tx *gorm.DB, since moment) error {
	if r.Proof == nil || r.KeepFactors {
		return nil
	}
	young := since.factors()
	var list []Factor
	if err := tx.Where("user_id = ?", r.Device.UserID).Where(young.sql, young.args...).Limit(1).Find(&list).Error; err != nil || len(list) == 0 {
		return err
	}
	by, err := r.Proof.factor(tx, r.Device.UserID)
	if err != nil {
		return err
	}
	var old int64
	err = tx.Model(&Factor{}).Where("user_id = ? AND id = ?", r.Device.UserID, by).Where("NOT "+young.sql, young.args...).Count(&old).Error
	if err != nil || old == 0 {
		return orRefuse(err, ErrYoungFactor)
	}
	return nil
}

// factors removes the factors that were added since, or says which stay. Either way it counts a change of factors, so that what was decided
// before fails.
func (r SinceRevocation) factors(tx *gorm.DB, since moment, act Event, done *SinceDone) (err error) {
	user := r.Device.UserID
	if r.Proof != nil && !r.KeepFactors {
		done.Factors, err = expelFactors(tx, user, act, since.factors())
		return err
	}
	which := since.factors()
	var list []Factor
	if err := tx.Where("user_id = ?", user).Where(which.sql, which.args...).Find(&list).Error; err != nil {
		return err
	}
	if done.Left, err = factorsGone(list); err != nil {
		return err
	}
	return countFactorsChange(tx, user, act.At)
}

// endSince ends what could become a device or was left for the next sign-in, and returns how many browsers were trusted.
func endSince(tx *gorm.DB, user uuid.UUID, since moment, act Event) (trusted int64, err error) {
	if err := endConsents(tx, user); err != nil { // a thief may have given some
		return 0, err
	}
	browsers := tx.Where("user_id = ?", user).Delete(&TrustedBrowser{})
	if browsers.Error != nil {
		return 0, browsers.Error
	}
	if err := endTrust(tx, user); err != nil {
		return 0, err
	}
	links := tx.Where(openEmailLinks, user, EmailLink, dbTime(act.At)).Delete(&OneTime{})
	if links.Error != nil {
		return 0, links.Error
	}
	if links.RowsAffected > 0 {
		act.ID, act.Kind = uuid.Nil, EventEmailCancelled
		if err := addEvent(tx, act); err != nil {
			return 0, err
		}
	}
	which := since.devices()
	var times []time.Time // the clock of the replica that wrote the device may have been ahead
	if err := tx.Model(&Device{}).Where("user_id = ?", user).Where(which.sql, which.args...).Pluck("created_at", &times).Error; err != nil {
		return 0, err
	}
	return browsers.RowsAffected, forgetOriginsSince(tx, user, slices.MinFunc(append(times, since.at), time.Time.Compare))
}
