package views

// What /docs shows of the file with an account's data.
const (
	accountDataSample = `{"format":"latchkey account data","version":1,"exported_at":"2026-11-23T15:30:00Z",
 "profile":{"sub":"…","email":"you@example.com","role":"user","created_at":"…","password_changed_at":"…",
  "former_addresses":[{"email":"…","left_at":"…","until":"…"}]},
"devices":[
{"id":"…","name":"phone","kind":"app","client_id":"app","current":false,"created_at":"…","last_seen_at":"…",
 "last_ip":"192.0.2.7","user_agent":"…","expires_at":"…","state":"revoked","created_ip":"192.0.2.7","jkt":"",
 "revoked_at":"…","revoked_by":"owner","revoke_reason":"revoked"}
],
"events":[
{"at":"…","kind":"sign_in","actor":"owner","device_id":"…","device_name":"phone","ip":"192.0.2.7","user_agent":"…","detail":"","times":1}
]}`
	// EventKinds are the kinds of event that an account's data may hold.
	EventKinds = "account_created sign_in sign_in_failed sign_out device_revoked devices_revoked device_renamed device_reused " +
		"device_forked device_restored password_changed password_failed password_reset password_locked email_change_asked " +
		"email_changed email_restored ways_back_ended role_changed account_disabled account_enabled mail_failed data_downloaded " +
		"support_searched support_looked seen_by_support"
)
