package web

import "latchkey/models"

// endText says why a device ended, to its owner and to the support staff.
type endText struct{ owner, support string }

// endTexts has a text for each of models.EndReasons.
var endTexts = map[models.EndReason]endText{
	models.RevokedBySignOut:     {"Signed out on the device itself.", "Signed out on the device itself"},
	models.RevokedByOwner:       {"Signed out by you.", "Signed out by its owner"},
	models.RevokedByPassword:    {"Signed out when you changed your password.", "Signed out when the owner changed the password"},
	models.RevokedByPasswordSet: {"Signed out when an administrator set a new password.", "Signed out when an administrator set a new password"},
	models.RevokedByReplace:     {"Replaced by a new sign-in in the same browser.", "Replaced by a new sign-in in the same browser"},
	models.RevokedByLimit: {
		"Signed out to make room: too many browsers were signed in.", "Signed out to make room: too many browsers were signed in",
	},
	models.RevokedByReuse:    {"Signed out because its sign-in may have been copied.", "Signed out because its sign-in may have been copied"},
	models.RevokedByDisable:  {"Signed out when your account was disabled.", "Signed out when the account was disabled"},
	models.RevokedByOperator: {"Signed out by an administrator.", "Signed out by an administrator"},
	models.RevokedByExpiry:   {"Its sign-in reached its time limit.", "Reached its time limit"},
	models.RevokedByIdleness: {"Not used for too long.", "Not used for too long"},
	models.RevokedByUndo:     {"Signed out when you took your e-mail address back.", "Signed out when the owner took a former e-mail address back"},
	models.RevokedByNotMe:    {"Signed out by the link “This wasn’t me” in a mail.", "Signed out by the link “This wasn’t me” in a mail"},
}

// endTextOf is the text of a reason, which may come from a later release: then it says only that the device is signed out.
func endTextOf(reason models.EndReason) endText {
	if text, ok := endTexts[reason]; ok {
		return text
	}
	return endText{"Signed out.", "Signed out"}
}

// dataState is the word for an ending in the account-data export: "live", "revoked", "expired" or "idle".
func dataState(end models.Ending) string {
	switch {
	case end.Live():
		return "live"
	case end.Reason == models.RevokedByExpiry || end.Reason == models.RevokedByIdleness:
		return string(end.Reason)
	}
	return "revoked"
}
