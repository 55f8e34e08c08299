package views

// accountWords are the words of mails about an account as a whole, and of those that come because of an address alone.
func (m Mail) accountWords(always string) (w wording, ok bool) {
	switch m.Kind {
	case "account_invited":
		w = wording{
			subject: "Choose a password for your new account", heading: "You have a new account",
			lead:   "An administrator made an account for this e-mail address. It has no password yet.",
			button: "Choose a password",
			act:    "This link lets you choose one, and signs you in. Do not share the link: anyone who has it can take the account.",
			after: []string{
				"When the link has ended, ask for a new one: " + m.Base + "/forgot",
				"Do you not know what this is about? Then do nothing: without the link no one can sign in to the account.",
			},
			why: "You get this mail because an administrator entered this e-mail address for a new account.",
		}
	case "password_reset":
		w = wording{
			subject: "Choose a new password", heading: "Choose a new password",
			lead:   "Someone, probably you, asked for a new password for your account.",
			button: "Choose a new password",
			act:    "This link lets you choose one. When you do, every device is signed out. Do not share the link: anyone who has it can take the account.",
			after:  []string{"Was it not you? Then do nothing: without the link nothing changes, and your password stays as it is."},
			why:    "You get this mail because the e-mail address " + m.To + " was entered on the page for forgotten passwords.",
		}
	case "signup":
		w = wording{
			subject: "Confirm your e-mail address", heading: "Confirm your e-mail address",
			lead:   "Someone, probably you, asked for an account with this e-mail address.",
			button: "Confirm my e-mail address",
			act:    "This link makes the account. It asks for the password that you chose.",
			after:  []string{"Was it not you? Then do nothing: without the link there is no account, and no one can make one with your e-mail address."},
			why:    "You get this mail because this e-mail address was entered on the page for new accounts.",
		}
	case "signup_known":
		w = wording{
			subject: "You have an account already", heading: "You have an account already",
			lead:  "Someone, probably you, asked for a new account with this e-mail address. There is one already, so no other was made, and nothing was changed.",
			after: []string{"Sign in with the password that you have, or choose a new one by “Forgot your password?” on the sign-in page: " + m.Base + "/login", "Was it not you? Then there is nothing to do."},
			why:   "You get this mail because this e-mail address was entered on the page for new accounts.",
		}
	case "account_deleted":
		w = wording{
			subject: "Your account was deleted", heading: "Your account was deleted",
			lead: "Someone who knows your password, probably you, deleted your account. Every device was signed out, and your e-mail address, your devices and all that leads to you in your activity were erased.",
			after: []string{
				"This is the last mail: your e-mail address is kept nowhere here any more. No one can bring the account back. A new account with this e-mail address would have nothing of this one.",
				"Was it not you? Then change your password wherever else you use it, and tell the operator of this service: " + m.Base,
			},
			why: "You get this mail because the account with the e-mail address " + m.To + " was deleted.",
		}
	case "test":
		w = wording{
			subject: "Test mail from " + m.Base, heading: "Mail works",
			lead: "An administrator of " + m.Base + " sent this mail to see whether mail works. There is nothing to do.",
			why:  "You get this mail because an administrator named your e-mail address in a test.",
		}
	case "account_disabled":
		w = wording{
			subject: "Your account was disabled", heading: "Your account was disabled", why: always,
			lead:  "An administrator disabled your account, and every device was signed out. No one can sign in to it now, you included.",
			after: []string{"If you did not expect this, ask the operator of this service."},
		}
	default:
		return w, false
	}
	return w, true
}
