package views

// accountWords are the words of mails about an account as a whole, and of those that come because of an address alone.
func (m Mail) accountWords(always string) (w wording, ok bool) {
	switch m.Kind {
	case "account_invited":
		w = wording{
			subject: m.Say.MailInvitedSubject(), heading: m.Say.MailInvitedHeading(), lead: m.Say.MailInvitedLead(m.host()).String(),
			button: m.Say.MailInvitedButton(), act: m.Say.MailInvitedAct(),
			after: []paragraph{m.leading(m.Say.MailInvitedAgain, "/forgot"), {text: m.Say.MailInvitedIgnore()}},
			why:   m.Say.MailInvitedWhy(),
		}
	case "password_reset":
		w = wording{
			subject: m.Say.MailResetSubject(), heading: m.Say.MailResetHeading(), lead: m.Say.MailResetLead(),
			button: m.Say.MailResetButton(), act: m.Say.MailResetAct(),
			after: []paragraph{{text: m.Say.MailResetIgnore()}},
			why:   m.Say.MailResetWhy(m.To).String(),
		}
	case "signup":
		w = wording{
			subject: m.Say.MailSignupSubject(), heading: m.Say.MailSignupHeading(), lead: m.Say.MailSignupLead().String(),
			button: m.Say.MailSignupButton(), act: m.Say.MailSignupAct(),
			after: []paragraph{{text: m.Say.MailSignupIgnore()}},
			why:   m.Say.MailSignupWhy(),
		}
	case "signup_known":
		w = wording{
			subject: m.Say.MailSignupKnownSubject(), heading: m.Say.MailSignupKnownHeading(), lead: m.Say.MailSignupKnownLead().String(),
			after: []paragraph{m.leading(m.Say.MailSignupKnownSignIn, "/login"), {text: m.Say.MailSignupKnownIgnore()}},
			why:   m.Say.MailSignupKnownWhy(),
		}
	case "account_deleted":
		w = wording{
			subject: m.Say.MailDeletedSubject(), heading: m.Say.MailDeletedHeading(), lead: m.Say.MailDeletedLead(),
			after: []paragraph{{text: m.Say.MailDeletedLast()}, {text: m.Say.MailDeletedNotYou()}, m.contact()},
			why:   m.Say.MailDeletedWhy(m.To).String(),
		}
		if m.Operator {
			w.lead, w.after = m.Say.MailDeletedLeadOperator(), []paragraph{{text: m.Say.MailDeletedLast()}, {text: m.Say.MailDeletedNotExpected()}, m.contact()}
		}
	case "incident":
		w = wording{
			subject: m.Say.MailIncidentSubject(), heading: m.Say.MailIncidentHeading(), lead: m.Say.MailIncidentLead(m.Devices).String(),
			after: []paragraph{{text: m.Say.MailIncidentSignIn()}, {text: m.Say.MailIncidentNoLinks()}},
			why:   m.Say.MailIncidentWhy().String(),
		}
		if m.Locked {
			w.after[0] = paragraph{text: m.Say.MailIncidentLocked()}
		}
	case "test":
		w = wording{
			subject: m.Say.MailTestSubject(m.Base).String(), heading: m.Say.MailTestHeading(), lead: m.Say.MailTestLead(m.Base).String(),
			why: m.Say.MailTestWhy(),
		}
	case "account_disabled":
		w = wording{
			subject: m.Say.MailDisabledSubject(), heading: m.Say.MailDisabledHeading(), lead: m.Say.MailDisabledLead(),
			after: []paragraph{m.contact()},
			why:   always,
		}
	default:
		return w, false
	}
	return w, true
}

// linkless tells whether a mail has no links at all: one about an incident is what forgers imitate, and people learn to tell them apart.
func (m Mail) linkless() bool { return m.Kind == "incident" }

// brandLinks are the operator's links at the foot.
func (m Mail) brandLinks() []brandLink {
	if m.linkless() {
		return nil
	}
	return m.Brand.links(m.Say)
}
