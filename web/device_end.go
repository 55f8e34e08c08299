package web

import (
	"latchkey/models"
	"latchkey/views/catalog"
)

// endText says why a device ended, to its owner in their language and to the support staff in English.
type endText struct {
	owner   func(catalog.Printer) string
	support string
}

// endTexts has a text for each of models.EndReasons.
var endTexts = map[models.EndReason]endText{
	models.RevokedBySignOut:     {catalog.Printer.EndSignOut, "Signed out on the device itself"},
	models.RevokedByOwner:       {catalog.Printer.EndOwner, "Signed out by its owner"},
	models.RevokedByPassword:    {catalog.Printer.EndPassword, "Signed out when the owner changed the password"},
	models.RevokedByPasswordSet: {catalog.Printer.EndPasswordSet, "Signed out when an administrator set a new password"},
	models.RevokedByReplace:     {catalog.Printer.EndReplaced, "Signed out by a new sign-in in the same browser"},
	models.RevokedByLimit: {
		catalog.Printer.EndLimit, "Signed out because too many browsers were signed in",
	},
	models.RevokedByReuse: {
		catalog.Printer.EndReuse,
		"Signed out because its sign-in may have been copied",
	},
	models.RevokedByDisable:   {catalog.Printer.EndDisabled, "Signed out when the account was disabled"},
	models.RevokedByOperator:  {catalog.Printer.EndOperator, "Signed out by an administrator"},
	models.RevokedByExpiry:    {catalog.Printer.EndExpired, "Signed out because its sign-in expired"},
	models.RevokedByIdleness:  {catalog.Printer.EndIdle, "Signed out because it wasn’t used for too long"},
	models.RevokedByUndo:      {catalog.Printer.EndUndo, "Signed out when the owner restored a previous e-mail address"},
	models.RevokedByCode:      {catalog.Printer.EndCode, "Signed out because its sign-in was repeated from another network"},
	models.RevokedByNewSignIn: {catalog.Printer.EndSignedInAgain, "Signed out when its app signed in again on the same phone"},
	models.RevokedByIncident:  {catalog.Printer.EndIncident, "Signed out by an administrator after a security incident"},
	models.RevokedForRoom:     {catalog.Printer.EndRoom, "Signed out to make room for a new sign-in"},
	models.RevokedByNotMe:     {catalog.Printer.EndNotMe, "Signed out with the “This wasn’t me” link in an e-mail"},
}

// endTextOf is the text of a reason, which may come from a later release: then it says only that the device is signed out.
func endTextOf(reason models.EndReason) endText {
	if text, ok := endTexts[reason]; ok {
		return text
	}
	return endText{catalog.Printer.EndOther, "Signed out"}
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
