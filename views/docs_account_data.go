package views

// What /docs shows of the file with an account's data.
const accountDataSample = `{"format":"latchkey account data","version":1,"exported_at":"2026-11-23T15:30:00Z",
 "profile":{"sub":"…","email":"you@example.com","email_verified":true,"role":"user",
  "created_at":"…","password_changed_at":"…",
  "language":"en","former_language":"","language_changed_at":null,
  "former_addresses":[{"email":"…","left_at":"…","until":"…"}],
  "external_id":"","metadata":{}},
"devices":[
{"id":"…","name":"phone","kind":"app","client_id":"app","current":false,
 "created_at":"…","last_seen_at":"…","last_ip":"192.0.2.7","user_agent":"…",
 "expires_at":"…","state":"revoked","created_ip":"192.0.2.7",
 "last_user_agent":"…","jkt":"",
 "revoked_at":"…","revoked_by":"owner","revoke_reason":"revoked",
 "signed_in_by":"password+passkey","proved_by":"password+passkey","proved_at":"…",
 "scope":"openid email","through_user_agent":"…"}
],
"events":[
{"at":"…","kind":"sign_in","actor":"owner","device_id":"…","device_name":"phone",
 "ip":"192.0.2.7","user_agent":"…","detail":"","times":1,"reuse":null,"reason":"",
 "actor_client_id":""}
],
"factors":[
{"id":"…","kind":"passkey","name":"laptop","created_at":"…","used_at":"…",
 "synced":true,"backed_up":true}
],
"trusted_browsers":[
{"id":"…","name":"Firefox on Linux","created_at":"…","created_ip":"192.0.2.7",
 "used_at":"…","used_ip":"192.0.2.7","expires_at":"…"}
]}`
