package views

import (
	"slices"
	"strconv"
)

// factorWords are the words of mails about passkeys, the authenticator app, recovery codes and the second step of a sign-in.
func (m Mail) factorWords(always string) (w wording, ok bool) {
	w = wording{why: always, alarm: true}
	choose := "If it was not you, someone else may be in your account. Secure it now: " + m.Base + "/security/secure"
	switch m.Kind {
	case "factor_added":
		w.subject, w.heading, w.lead = "A passkey was added to your account", "A passkey was added", "You can now sign in to your account with a new passkey."
		if m.App {
			w.subject, w.heading = "An authenticator app was added to your account", "An authenticator app was added"
			w.lead = "After your password, you can now enter a code from an authenticator app to sign in to your account."
		}
		w.button = "This wasn’t me"
		w.act = "If this was you, there is nothing to do. If not, this link removes it with every passkey and app that was added since, signs out the devices that signed in since, and locks your password until you choose a new one. You do not have to sign in for it."
	case "factor_removed":
		w.subject, w.heading, w.lead = "A passkey was removed from your account", "A passkey was removed", "This passkey can no longer be used to sign in to your account."
		if m.App {
			w.subject, w.heading = "The authenticator app was removed from your account", "The authenticator app was removed"
			w.lead = "Codes from your authenticator app can no longer be used to sign in to your account."
		}
		w.after = []string{nothingToDo, choose}
	case "factor_renamed":
		w.subject, w.heading, w.lead = "A passkey was renamed in your account", "A passkey was renamed", "A passkey of your account has a new name."
		w.after = []string{nothingToDo, choose}
	case "recovery_codes_made":
		w.subject, w.heading = "New recovery codes were made", "New recovery codes were made"
		w.lead = "Your account has ten new recovery codes. Any older ones no longer work."
		w.after = []string{nothingToDo, choose}
		if m.Link != "" {
			w.button, w.after = "This wasn’t me", nil
			w.act = nothingToDo + " If not, this link removes these codes and every passkey and app that was added since, signs every device out, and locks your password until you choose a new one. You do not have to sign in for it."
		}
	case "recovery_code_used":
		w.subject, w.heading = "A recovery code was used", "A recovery code was used"
		w.lead = "Someone signed in to your account, or confirmed a change, with one of your recovery codes. That code does not work again. You have " + codesLeft(m.CodesLeft) + "."
		w.after = []string{nothingToDo, choose}
		if m.CodesLeft <= fewCodes {
			w.after = append(w.after, "Get new ones soon: "+m.Base+"/security/codes")
		}
	case "factor_closed":
		w.subject, w.heading = "Too many wrong codes for your account", "Too many wrong codes"
		w.lead = "Someone entered 30 wrong codes in a row, so codes from your authenticator app do not work in new browsers for now. The person who did this knows your password."
		w.after = []string{
			"To accept codes again, sign in with a passkey or a recovery code, or with a right code in a browser that you have used before.",
			"If it was not you, choose a new password. Codes then work again, too: " + m.Base + "/security/password",
		}
	case "second_step_missed":
		w.subject, w.heading = "Someone may know your password", "A sign-in stopped at the second step"
		w.lead = "Someone entered the right password for your account, but did not complete the second step. They were not signed in."
		w.after = []string{nothingToDo, "If it was not you, someone else knows your password. Choose a new one: " + m.Base + "/security/password"}
	case "factors_reset":
		w.subject, w.heading = "Two-step sign-in was reset", "Two-step sign-in was reset"
		w.lead = "An administrator removed every passkey, the authenticator app and the recovery codes from your account. Your password alone is now enough to sign in."
		w.after = []string{"Set up two-step sign-in again: " + m.Base + "/security/setup", "If you did not ask for this, tell the operator of this service."}
	case "enrol_code":
		w.subject, w.heading, w.alarm = "Your code to set up two-step sign-in", "Set up two-step sign-in", false
		w.lead = "Enter this code on the page that asks for the set-up code, and add a passkey or an authenticator app there."
		w.after = []string{"Do not share this code. Anyone who has it and your password can take over your account.", "If you did not just sign in, someone knows your password. Choose a new one: " + m.Base + "/forgot"}
	default:
		return w, false
	}
	if m.Link != "" && w.button == "" {
		w.button = "This wasn’t me"
		w.act = nothingToDo + " If not, this link signs every device out, removes every passkey and app that was added since, and locks your password until you choose a new one. You do not have to sign in for it."
		w.after = slices.DeleteFunc(w.after, func(s string) bool { return s == nothingToDo || s == choose })
	}
	return w, true
}

const nothingToDo = "If this was you, there is nothing to do."

func codesLeft(n int) string {
	switch n {
	case 0:
		return "none left"
	case 1:
		return "1 code left"
	}
	return strconv.Itoa(n) + " codes left"
}

// factorFacts are what is known about the factor.
func (m Mail) factorFacts() (list []Fact) {
	switch {
	case m.NewName != "":
		list = append(list, Fact{"Old name", given(m.Factor)}, Fact{"New name", given(m.NewName)})
	case m.Factor != "" && !m.App:
		list = append(list, Fact{"Passkey", given(m.Factor)})
	}
	if m.Code != "" {
		list = append(list, Fact{"Code", m.Code})
	}
	return list
}
