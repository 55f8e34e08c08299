package web

import "latchkey/models"

// signInWords says how a device signed in, at the end of "Signed in yesterday". It has words for each of models.SignInMethods.
var signInWords = map[models.SignInMethod]string{
	models.ByPassword:               "with a password",
	models.ByPasswordTOTP:           "with password and code",
	models.ByPasswordRecoveryCode:   "with password and recovery code",
	models.ByPasswordPasskey:        "with password and passkey",
	models.ByPasswordTrustedBrowser: "with a password, in a trusted browser",
	models.ByPasskey:                "with a passkey",
	models.BySignUp:                 "at sign-up",
	models.ByInvitation:             "with an invitation",
}
