package models

import "time"

// UserTable is a table with rows of accounts.
type UserTable struct {
	Name    string
	Deleted RowFate // what becomes of the rows when their account is deleted
	// Exported is where the account-data export has the rows; empty for what only the server uses: hashes and waiting mails.
	Exported string

	key  string                     // the columns that name a row
	past func(Retention) []pastRows // what the sweeper deletes
}

// RowFate is what becomes of the rows of a deleted account.
type RowFate int

// The fates.
const (
	RowsDeleted   RowFate = iota + 1 // by DeleteUser, with the account
	RowsAnonymous                    // by FinishDeletion, which makes them anonymous
	RowsUntilDone                    // by FinishDeletion, with the last of its work
	RowsUntilSent                    // not with the account: they tell others of its end
)

// pastRows are rows of a table that are past retention.
type pastRows struct {
	condition string
	before    []time.Time // the condition's; the zero time first: nothing goes
}

// UserTables are all tables with a user_id. Deletion, the sweeper and the account-data export go by this list; a test compares it
// with the schema.
var UserTables = []UserTable{
	{Name: "devices", Deleted: RowsDeleted, Exported: "devices", key: "user_id, id", past: func(r Retention) []pastRows {
		return []pastRows{{"revoked_at < ?", []time.Time{r.DevicesBefore}}, {"expires_at < ?", []time.Time{r.DevicesBefore}}}
	}},
	{Name: "events", Deleted: RowsAnonymous, Exported: "events", key: "user_id, id", past: func(r Retention) []pastRows {
		failures := "kind IN ('" + string(EventSignInFailed) + "', '" + string(EventPasswordFailed) + "', '" + string(EventCodeFailed) + "') AND at < ?"
		return []pastRows{{"at < ?", []time.Time{r.EventsBefore}}, {failures, []time.Time{r.FailuresBefore}}}
	}},
	{Name: "known_places", Deleted: RowsDeleted, key: "user_id, place", past: func(r Retention) []pastRows {
		return []pastRows{{"last_at < ?", []time.Time{r.KnownOriginsBefore}}}
	}},
	{Name: "consents", Deleted: RowsDeleted, key: "user_id, client_id, browser", past: func(r Retention) []pastRows {
		return []pastRows{{"last_at < ?", []time.Time{r.KnownOriginsBefore}}}
	}},
	{Name: "one_time_tokens", Deleted: RowsDeleted, key: "hash", past: goneLinks},
	{Name: "former_addresses", Deleted: RowsDeleted, Exported: "profile.former_addresses", key: "hash", past: goneLinks},
	{Name: "mails", Deleted: RowsDeleted, key: "id"},                              // a mail goes when it was sent or given up
	{Name: "incident_notices", Deleted: RowsDeleted, key: "incident_id, user_id"}, // DropIncidents takes those of an incident that is past
	{Name: "logout_notices", Deleted: RowsUntilSent, key: "user_id, device_id", past: func(r Retention) []pastRows {
		return []pastRows{{"created_at < ?", []time.Time{r.NoticesBefore}}} // whose client wants none any more
	}},
	{Name: "webhook_messages", Deleted: RowsUntilSent, key: "hook_id, user_id, event_id", past: func(r Retention) []pastRows {
		return []pastRows{
			{"done_at < ?", []time.Time{r.MessagesBefore}}, {"done_at IS NULL AND at < ?", []time.Time{r.LostMessagesBefore}}, // of a webhook that is gone
		}
	}},
	{Name: "sign_in_mails", Deleted: RowsDeleted, key: "user_id", past: func(r Retention) []pastRows {
		return []pastRows{{"last_at < ?", []time.Time{r.AlertsBefore}}}
	}},
	{Name: "factors", Deleted: RowsDeleted, Exported: "factors", key: "user_id, id"},
	{Name: "challenges", Deleted: RowsDeleted, key: "hash", past: func(r Retention) []pastRows {
		return []pastRows{{"expires_at < ?", []time.Time{r.ChallengesBefore}}}
	}},
	{Name: "trusted_browsers", Deleted: RowsDeleted, Exported: "trusted_browsers", key: "user_id, id", past: func(r Retention) []pastRows {
		return []pastRows{{"expires_at < ?", []time.Time{r.TrustBefore}}}
	}},
	{Name: "deleted_accounts", Deleted: RowsUntilDone, key: "user_id", past: func(r Retention) []pastRows {
		return []pastRows{{"created_at < ?", []time.Time{r.EventsBefore}}} // their secret is lost; by now the searches for them are gone, too
	}},
}

// goneLinks are mailed links that expired. Used ones stay for UsedLinkLife.
func goneLinks(r Retention) []pastRows {
	return []pastRows{{"expires_at < ? AND (used_at IS NULL OR used_at < ?)", []time.Time{r.LinksBefore, r.LinksBefore.Add(-UsedLinkLife)}}}
}
