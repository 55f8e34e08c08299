package views

// emailWords are the words of mails about an account's address.
func (m Mail) emailWords(always string) (w wording, ok bool) {
	switch m.Kind {
	case "email_confirm":
		return wording{
			subject: m.Say.MailEmailConfirmSubject(), heading: m.Say.MailEmailConfirmHeading(), lead: m.Say.MailEmailConfirmLead().String(),
			button: m.Say.MailEmailConfirmButton(), act: m.Say.MailEmailConfirmAct(),
			after: []paragraph{{text: m.Say.MailEmailConfirmIgnore()}},
			why:   m.Say.MailEmailConfirmWhy(),
		}, true
	case "email_taken":
		return wording{
			subject: m.Say.MailEmailTakenSubject(), heading: m.Say.MailEmailTakenHeading(), lead: m.Say.MailEmailTakenLead().String(),
			after: []paragraph{m.leading(m.Say.MailEmailTakenHow, "/security/email"), {text: m.Say.MailEmailTakenIgnore()}},
			why:   m.Say.MailEmailTakenWhy(),
		}, true
	case "email_held":
		return wording{
			subject: m.Say.MailEmailHeldSubject(), heading: m.Say.MailEmailHeldHeading(), lead: m.Say.MailEmailHeldLead().String(),
			after: []paragraph{{text: m.Say.MailEmailHeldWait()}, {text: m.Say.MailEmailHeldIgnore()}},
			why:   m.Say.MailEmailHeldWhy(),
		}, true
	case "email_changed":
		return m.changedWords(always), true
	case "email_new":
		w := wording{
			subject: m.Say.MailEmailNewSubject(), heading: m.Say.MailEmailNewHeading(), lead: m.Say.MailEmailNewLead(), why: always,
			after: []paragraph{m.leading(m.Say.MailEmailNewDevices, "/devices/revoke-others"), m.contact()},
		}
		if m.Operator {
			w.lead = m.Say.MailEmailNewLeadOperator()
		}
		return w, true
	case "email_restored":
		return wording{
			subject: m.Say.MailEmailRestoredSubject(), heading: m.Say.MailEmailRestoredHeading(), lead: m.Say.MailEmailRestoredLead(), alarm: true, why: always,
			after: []paragraph{m.leading(m.Say.MailEmailRestoredChoose, "/forgot"), m.contact()},
		}, true
	case "email_lost":
		return wording{
			subject: m.Say.MailEmailLostSubject(), heading: m.Say.MailEmailLostHeading(), lead: m.Say.MailEmailLostLead(),
			after: []paragraph{{text: m.Say.MailEmailLostNoMore()}, m.contact()},
			why:   m.Say.MailEmailLostWhy(m.To).String(),
		}, true
	}
	return wording{}, false
}

// changedWords are those to the address that an account had. A reader who may take it back is told how.
func (m Mail) changedWords(always string) wording {
	w := wording{
		subject: m.Say.MailEmailChangedSubject(), heading: m.Say.MailEmailChangedHeading(), lead: m.Say.MailEmailChangedLead(), alarm: true, why: always,
	}
	switch {
	case m.Operator:
		w.lead = m.Say.MailEmailChangedLeadOperator()
		w.after = []paragraph{m.contact()}
	case m.Link == "":
		w.lead = m.Say.MailEmailChangedLeadBack()
		w.after = []paragraph{m.contact()}
	default:
		if m.Again {
			w.lead = m.Say.MailEmailChangedLeadAgain()
		}
		w.button, w.act = m.Say.MailEmailChangedButton(), m.Say.MailEmailChangedAct()
		w.after = []paragraph{{text: m.Say.MailEmailChangedKept()}}
	}
	return w
}

// addresses are the facts about who it is about.
func (m Mail) addresses() []Fact {
	if m.unconfirmed() || m.linkless() { // mail programs make links of addresses
		return nil
	}
	var list []Fact
	if m.Before != "" && !m.Operator { // an operator may have mistyped the address to which this goes
		list = append(list, Fact{m.Say.MailFactOldEmail(), m.Before})
	}
	switch m.Kind {
	case "email_lost":
		return append(list, Fact{m.Say.MailFactEmail(), m.To})
	case "email_changed":
		list = append(list, Fact{m.Say.MailFactThisEmail(), m.To})
		if m.After != "" {
			list = append(list, Fact{m.Say.MailFactCurrentEmail(), m.After})
		}
		return list
	}
	if m.After != "" {
		return append(list, Fact{m.Say.MailFactNewEmail(), m.After})
	}
	if list == nil {
		list = []Fact{{m.Say.MailFactAccount(), m.To}}
	}
	return list
}
