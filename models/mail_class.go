package models

import "context"

// MailClass says which mails go first.
type MailClass string

// The classes, the first to go first.
const (
	ClassUrgent   MailClass = "urgent"   // alarms, and what a person waits for: MailSecurity and MailAsked
	ClassNormal   MailClass = "normal"   // MailRest
	ClassIncident MailClass = "incident" // MailIncident
)

// WaitingByClass counts the mails of each class that wait, those of the future included, up to limit.
func (s *Store) WaitingByClass(ctx context.Context, limit int) (map[MailClass]int64, error) {
	var n struct{ Urgent, Normal, Incident int64 }
	err := s.read(ctx).Raw(`SELECT (SELECT count(*) FROM (SELECT 1 FROM mails WHERE priority < ? LIMIT ?) AS u) AS urgent,
		(SELECT count(*) FROM (SELECT 1 FROM mails WHERE priority = ? LIMIT ?) AS n) AS normal,
		(SELECT count(*) FROM (SELECT 1 FROM mails WHERE priority = ? LIMIT ?) AS i) AS incident`, MailRest, limit, MailRest, limit, MailIncident, limit).Scan(&n).Error
	return map[MailClass]int64{ClassUrgent: n.Urgent, ClassNormal: n.Normal, ClassIncident: n.Incident}, wrapErr("count mails", err)
}
