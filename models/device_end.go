package models

// Why a device was revoked. The words are stored: they may be added to, never renamed.
const (
	RevokedBySignOut  = "signed_out"       // by itself: sign-out, RFC 7009
	RevokedByOwner    = "revoked"          // by its owner, from another device
	RevokedByPassword = "password_changed" // with a change of password
	RevokedByReplace  = "replaced"         // a new sign-in in the same browser
	RevokedByLimit    = "limit"            // the longest unseen browser made room
	RevokedByReuse    = "reused"           // its token came back after it had died: theft
	RevokedByDisable  = "disabled"         // the account was disabled
	RevokedByOperator = "operator"         // signed out by an operator
	RevokedByExpiry   = "expired"          // past its absolute lifetime when its name was wanted again
	RevokedByIdleness = "idle"             // unseen for too long when its name was wanted again
	RevokedByUndo     = "email_undo"       // its owner took a former address back by the link in a mail
	RevokedByAlarm    = "alarm"            // its owner answered the mail about it: "This wasn't me"
)
