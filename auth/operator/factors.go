package operator

import (
	"context"
	"time"

	"latchkey/auth"
	"latchkey/auth/factor"
	"latchkey/auth/notify"
	"latchkey/models"
)

// FactorsReset is what ResetFactors did.
type FactorsReset struct {
	Removed  models.FactorsGone
	Browsers int64     // that were trusted
	Code     string    // lets a member of the support staff add a first factor; empty: none is needed
	Until    time.Time // when the code expires
}

// ResetFactors removes all factors, trusted browsers and half-finished sign-ins of an account, for an owner who has lost them all. The
// password alone is then enough, unless the policy says more. The owner gets a mail. For the support staff it makes an enrolment code.
// It returns KindNotFound.
func (s *Service) ResetFactors(ctx context.Context, email string) (done FactorsReset, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return done, err
	}
	return s.resetFactors(ctx, commandLine, u)
}

func (s *Service) resetFactors(ctx context.Context, client string, u models.User) (done FactorsReset, err error) {
	e := s.event(client, models.EventFactorsReset, u.ID)
	r := models.FactorReset{UserID: u.ID, At: e.At, Event: e, Mail: s.notify.Compose(u.ID, notify.NewNotification(notify.KindFactorsReset, auth.Caller{}, e.At))}
	without := u
	without.SecondFactor = false
	if s.factors.UserNeedsCode(without) {
		var row models.Challenge
		row, done.Code = s.factors.NewCode(u, factor.OperatorEnrolLife)
		r.Code, done.Until = &row, row.ExpiresAt
	}
	done.Removed, done.Browsers, err = s.store.ResetFactors(ctx, r)
	return done, err
}

// EnrolCode makes an enrolment code for an account that needs one where no mail is sent. It returns "" where none is needed.
func (s *Service) EnrolCode(ctx context.Context, u models.User) (code string, until time.Time, err error) {
	if s.notify.Enabled() || !s.factors.UserNeedsCode(u) {
		return "", until, nil
	}
	row, code := s.factors.NewCode(u, factor.OperatorEnrolLife)
	return code, row.ExpiresAt, s.store.AddEnrolCode(ctx, row, models.MailWithLinks{})
}
