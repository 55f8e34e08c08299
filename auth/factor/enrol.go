package factor

import (
	"context"
	"crypto/subtle"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/auth/recovery"
	"latchkey/models"
)

// Enrolment codes let a member of the support staff add a first factor: the password alone must not be enough, or a thief who has it
// enrols first. How long they are good, how often each can be tried, and how many an account can have mailed in ratelimit.AttemptWindow.
const (
	EnrolLife         = 30 * time.Minute // by mail
	OperatorEnrolLife = 24 * time.Hour   // from the operator's command
	MaxEnrolTries     = 5
	MaxEnrolMails     = 3
)

// NeedsCode reports whether the person adds a first factor only with an enrolment code.
func (s *Service) NeedsCode(by *browser.Session) bool { return s.UserNeedsCode(by.User) }

// UserNeedsCode is NeedsCode for an account.
func (s *Service) UserNeedsCode(u models.User) bool {
	return u.Role == models.RoleSupport && s.policy.MustSetUp(u)
}

// NewCode makes an enrolment code in the form of a recovery code. The row holds only its hash.
func (s *Service) NewCode(u models.User, life time.Duration) (row models.Challenge, code string) {
	code = recovery.New()[0]
	now := s.clock.Now()
	return models.Challenge{Hash: recovery.Hash(code), UserID: u.ID, CreatedAt: now, ExpiresAt: now.Add(life)}, code
}

// CanMailCode reports whether mails are sent here.
func (s *Service) CanMailCode() bool { return s.notify.Enabled() }

// MailCode mails an enrolment code to the person's address. Earlier codes stay good: otherwise a thief could end the owner's. It
// returns KindNotAllowed for a person who needs no code or where no mail is sent, and KindRateLimited.
func (s *Service) MailCode(ctx context.Context, by *browser.Session, from auth.Caller) error {
	if !s.NeedsCode(by) || !s.CanMailCode() {
		return auth.Refuse(auth.KindNotAllowed, "We can’t e-mail you a code for this account. Ask your administrator for one.")
	}
	if err := s.limits.CountRequest(ctx, s.limits.Quota(MaxEnrolMails, "enrol code", by.User.ID.String())); err != nil {
		return err
	}
	row, code := s.NewCode(by.User, EnrolLife)
	l := notify.NewNotification(notify.KindEnrolCode, from, row.CreatedAt)
	l.Code, l.Until = code, row.ExpiresAt
	if err := s.store.AddEnrolCode(ctx, row, s.notify.Compose(by.User.ID, l)); err != nil {
		return changed(err)
	}
	s.notify.Wake()
	return nil
}

// checkCode checks the enrolment code of an act where one is needed, and returns its use. It counts as an attempt for every code of the
// account that is good.
func (s *Service) checkCode(ctx context.Context, by *browser.Session, typed string) (*models.ChallengeUse, error) {
	if !s.NeedsCode(by) {
		return nil, nil //nolint:nilnil // no code is needed
	}
	wrong := auth.InvalidField("enrol_code", "This code is wrong, has expired or was already used. After five wrong codes you need a new one.")
	code, ok := recovery.Normalise(typed)
	if !ok {
		return nil, wrong
	}
	now, hash := s.clock.Now(), recovery.Hash(code)
	hashes, err := s.store.TryEnrolCodes(ctx, by.User.ID, now, MaxEnrolTries)
	if err != nil {
		return nil, err
	}
	for _, h := range hashes {
		if subtle.ConstantTimeCompare(h, hash) == 1 {
			return &models.ChallengeUse{Hash: hash, Purpose: models.EnrolPurpose, ExpiresAt: now.Add(EnrolLife)}, nil
		}
	}
	return nil, wrong
}
