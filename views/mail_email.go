package views

// emailWords are the words of mails about an account's address.
func (m Mail) emailWords(always string) (w wording, ok bool) {
	entered := "You get this mail because this address was entered as the new address of an account."
	nothing := "Was it not you? Then there is nothing to do, and your account, if you have one, is as it was."
	switch m.Kind {
	case "email_confirm":
		return wording{
			subject: "Confirm your new e-mail address", heading: "Confirm your new address", why: entered,
			lead:   "Somebody, probably you, wants this address for an account. From then on you sign in with it, and mails about the account come here.",
			button: "Confirm my new address",
			act:    "This link shows the change, and asks for your password before it makes it.",
			after:  []string{"Was it not you? Then do nothing: without the link nothing changes."},
		}, true
	case "email_taken":
		return wording{
			subject: "This address has an account already", heading: "This address has an account already", why: entered,
			lead:  "Somebody, perhaps you, wanted this address for another account. It has one already, so nothing was changed, in neither of them.",
			after: []string{"An address can have one account only. To use it for the other one, first give this one another address: " + m.Base + "/security", nothing},
		}, true
	case "email_held":
		return wording{
			subject: "This address cannot be used yet", heading: "This address cannot be used yet",
			lead:  "Somebody, perhaps you, wanted this address for an account. Until lately another account had it, and may still take it back, so nothing was changed.",
			after: []string{"The address is free a week after that account left it. Try again then.", nothing},
			why:   "You get this mail because this address was entered as the address of an account.",
		}, true
	case "email_changed":
		return m.changedWords(always), true
	case "email_new":
		w := wording{
			subject: "This is your address now", heading: "This is your address now", why: always,
			lead:  "Your account has this address now. Sign in with it; mails about the account come here.",
			after: []string{"Every device stays signed in. If you fear that somebody else is, sign the others out: " + m.Base + "/devices"},
		}
		if m.Operator {
			w.lead = "An administrator gave your account this address. Sign in with it; mails about the account come here."
		}
		return w, true
	case "email_restored":
		return wording{
			subject: "Your e-mail address was restored", heading: "Your e-mail address was restored", alarm: true, why: always,
			lead:  "Your account has this address again, by the link in the mail about its change. Every device was signed out, and your password is locked.",
			after: []string{"Choose a new password, by a link that we mail to this address: " + m.Base + "/forgot"},
		}, true
	case "email_lost":
		return wording{
			subject: "This address has left its account", heading: "This address has left its account",
			lead:  "The account that had this address took its former one back, by the link in the mail about the change. Every device was signed out, and the password is locked.",
			after: []string{"No more mails about that account come here."},
			why:   "You get this mail because " + m.To + " was the address of an account until now.",
		}, true
	}
	return wording{}, false
}

// changedWords are those to the address that an account had. Whoever may take it back is told how.
func (m Mail) changedWords(always string) wording {
	w := wording{
		subject: "Your e-mail address was changed", heading: "Your e-mail address was changed", alarm: true, why: always,
		lead: "Your account has another address now. Mails about it come here no more.",
	}
	switch {
	case m.Operator:
		w.lead = "An administrator gave your account another address. Mails about it come here no more."
		w.after = []string{"If you did not expect this, ask whoever runs this service."}
	case m.Link == "":
		w.lead = "Your account has its former address again. Mails about it come here no more."
	default:
		w.button = "Undo the change"
		w.act = "If this was you, there is nothing to do. If not, this link gives your account this address back, signs every device out and locks the password until you choose a new one by mail. You do not have to sign in for it."
		w.after = []string{"Until the link ends, nobody else can have this address here."}
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
		list = append(list, Fact{"Address before", m.Before})
	}
	switch m.Kind {
	case "email_lost":
		return append(list, Fact{"Address", m.To})
	case "email_changed":
		list = append(list, Fact{"Account", m.To})
	}
	if m.After != "" {
		return append(list, Fact{"New address", m.After})
	}
	if list == nil {
		list = []Fact{{"Account", m.To}}
	}
	return list
}
