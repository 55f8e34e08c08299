package views

// emailWords are the words of mails about an account's address.
func (m Mail) emailWords(always string) (w wording, ok bool) {
	entered := "You get this mail because this e-mail address was entered as the new e-mail address of an account."
	nothing := "Was it not you? Then there is nothing to do, and your account, if you have one, is as it was."
	switch m.Kind {
	case "email_confirm":
		return wording{
			subject: "Confirm your new e-mail address", heading: "Confirm your new e-mail address", why: entered,
			lead:   "Someone, probably you, wants this e-mail address for an account. From then on you sign in with it, and mails about the account come here.",
			button: "Confirm my new e-mail address",
			act:    "This link shows the change, and asks for your password before it makes it.",
			after:  []string{"Was it not you? Then do nothing: without the link nothing changes."},
		}, true
	case "email_taken":
		return wording{
			subject: "This e-mail address has an account already", heading: "This e-mail address has an account already", why: entered,
			lead:  "Someone, perhaps you, wanted this e-mail address for another account. It has an account already, so nothing was changed in either.",
			after: []string{"An e-mail address can have one account only. To use it for the other one, first give this one another: " + m.Base + "/security/email", nothing},
		}, true
	case "email_held":
		return wording{
			subject: "This e-mail address cannot be used yet", heading: "This e-mail address cannot be used yet",
			lead:  "Someone, perhaps you, wanted this e-mail address for an account. Until lately another account had it, and may still take it back, so nothing was changed.",
			after: []string{"The e-mail address is free a week after that account left it. Try again then.", nothing},
			why:   "You get this mail because this e-mail address was entered as the e-mail address of an account.",
		}, true
	case "email_changed":
		return m.changedWords(always), true
	case "email_new":
		w := wording{
			subject: "This is your e-mail address now", heading: "This is your e-mail address now", why: always,
			lead:  "Your account has this e-mail address now. Sign in with it; mails about the account come here.",
			after: []string{"Every device stays signed in. If you fear that someone else is signed in, sign the others out: " + m.Base + "/devices"},
		}
		if m.Operator {
			w.lead = "An administrator gave your account this e-mail address. Sign in with it; mails about the account come here."
		}
		return w, true
	case "email_restored":
		return wording{
			subject: "Your e-mail address was restored", heading: "Your e-mail address was restored", alarm: true, why: always,
			lead:  "Your account has this e-mail address again, by the link in the mail about its change. Every device was signed out, and your password is locked.",
			after: []string{"Choose a new password, by a link that we mail to this e-mail address: " + m.Base + "/forgot"},
		}, true
	case "email_lost":
		return wording{
			subject: "This e-mail address has left its account", heading: "This e-mail address has left its account",
			lead:  "The account that had this e-mail address took its former one back, by the link in the mail about the change. Every device was signed out, and the password is locked.",
			after: []string{"No more mails about that account come here."},
			why:   "You get this mail because " + m.To + " was the e-mail address of an account until now.",
		}, true
	}
	return wording{}, false
}

// changedWords are those to the address that an account had. A reader who may take it back is told how.
func (m Mail) changedWords(always string) wording {
	w := wording{
		subject: "Your e-mail address was changed", heading: "Your e-mail address was changed", alarm: true, why: always,
		lead: "Your account has another e-mail address now. Mails about it come here no more.",
	}
	switch {
	case m.Operator:
		w.lead = "An administrator gave your account another e-mail address. Mails about it come here no more."
		w.after = []string{"If you did not expect this, ask the operator of this service."}
	case m.Link == "":
		w.lead = "Your account has its former e-mail address again. Mails about it come here no more."
	default:
		if m.Again {
			w.lead = "The e-mail address of your account was changed once more. You can still take your account back to this one."
		}
		w.button = "Undo the change"
		w.act = "If this was you, there is nothing to do. If not, this link gives your account this e-mail address back, signs every device out and locks the password until you choose a new one by mail. You do not have to sign in for it."
		w.after = []string{"Until the link ends, no other account can have this e-mail address here."}
	}
	return w
}

// addresses are the facts about who it is about.
func (m Mail) addresses() []Fact {
	if m.unconfirmed() {
		return nil
	}
	var list []Fact
	if m.Before != "" && !m.Operator { // an operator may have mistyped the address to which this goes
		list = append(list, Fact{"Old e-mail address", m.Before})
	}
	switch m.Kind {
	case "email_lost":
		return append(list, Fact{"E-mail address", m.To})
	case "email_changed":
		list = append(list, Fact{"Account", m.To})
	}
	if m.After != "" {
		return append(list, Fact{"New e-mail address", m.After})
	}
	if list == nil {
		list = []Fact{{"Account", m.To}}
	}
	return list
}
