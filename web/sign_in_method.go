package web

import (
	"latchkey/models"
	"latchkey/views/catalog"
)

// signInWords says how a device signed in, at the end of "Signed in yesterday". It has words for each of models.SignInMethods.
var signInWords = map[models.SignInMethod]func(catalog.Printer) string{
	models.ByPassword:               catalog.Printer.MethodPassword,
	models.ByPasswordTOTP:           catalog.Printer.MethodPasswordTotp,
	models.ByPasswordRecoveryCode:   catalog.Printer.MethodPasswordRecoveryCode,
	models.ByPasswordPasskey:        catalog.Printer.MethodPasswordPasskey,
	models.ByPasswordTrustedBrowser: catalog.Printer.MethodTrustedBrowser,
	models.ByPasskey:                catalog.Printer.MethodPasskey,
	models.BySignUp:                 catalog.Printer.MethodSignUp,
	models.ByInvitation:             catalog.Printer.MethodInvitation,
}

// signInWord is the word for a method, which may come from a later release: then nothing is said.
func signInWord(p catalog.Printer, method models.SignInMethod) string {
	if word, ok := signInWords[method]; ok {
		return word(p)
	}
	return ""
}
