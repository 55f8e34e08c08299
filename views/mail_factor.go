package views

import "slices"

// factorWords are the words of mails about passkeys, the authenticator app, recovery codes and the second step of a sign-in.
func (m Mail) factorWords(always string) (w wording, ok bool) {
	w = wording{why: always, alarm: true}
	nothing, secure := paragraph{text: m.Say.MailNothingToDo()}, m.leading(m.Say.MailSecure, "/security/secure")
	switch m.Kind {
	case "factor_added":
		w.subject, w.heading, w.lead = m.Say.MailPasskeyAddedSubject(), m.Say.MailPasskeyAddedHeading(), m.Say.MailPasskeyAddedLead()
		if name := m.inSubject(m.Factor); name != "" {
			w.subject = m.Say.MailPasskeyAddedSubjectName(m.Say.MailQuoted(name)).String()
		}
		if m.App {
			w.subject, w.heading, w.lead = m.Say.MailAppAddedSubject(), m.Say.MailAppAddedHeading(), m.Say.MailAppAddedLead()
		}
		w.button, w.act = m.Say.MailNotMe(), m.Say.MailFactorActAdded()
	case "factor_removed":
		w.subject, w.heading, w.lead = m.Say.MailPasskeyRemovedSubject(), m.Say.MailPasskeyRemovedHeading(), m.Say.MailPasskeyRemovedLead()
		if name := m.inSubject(m.Factor); name != "" {
			w.subject = m.Say.MailPasskeyRemovedSubjectName(m.Say.MailQuoted(name)).String()
		}
		if m.App {
			w.subject, w.heading, w.lead = m.Say.MailAppRemovedSubject(), m.Say.MailAppRemovedHeading(), m.Say.MailAppRemovedLead()
		}
		w.after = []paragraph{nothing, secure}
	case "factor_renamed":
		w.subject, w.heading, w.lead = m.Say.MailPasskeyRenamedSubject(), m.Say.MailPasskeyRenamedHeading(), m.Say.MailPasskeyRenamedLead()
		if name := m.inSubject(m.NewName); name != "" {
			w.subject = m.Say.MailPasskeyRenamedSubjectName(m.Say.MailQuoted(name)).String()
		}
		w.after = []paragraph{nothing, secure}
	case "recovery_codes_made":
		w.subject, w.heading, w.lead = m.Say.MailCodesMadeSubject(), m.Say.MailCodesMadeHeading(), m.Say.MailCodesMadeLead()
		w.after = []paragraph{nothing, secure}
		if m.Link != "" {
			w.button, w.act, w.after = m.Say.MailNotMe(), m.Say.MailCodesMadeAct(), nil
		}
	case "recovery_code_used":
		w.subject, w.heading, w.lead = m.Say.MailCodeUsedSubject(m.CodesLeft), m.Say.MailCodeUsedHeading(), m.Say.MailCodeUsedLead(m.CodesLeft)
		if m.CodesLeft == 0 {
			w.subject, w.lead = m.Say.MailCodeUsedSubjectNone(), m.Say.MailCodeUsedLeadNone()
		}
		w.after = []paragraph{nothing, secure}
		if m.CodesLeft <= fewCodes {
			w.after = []paragraph{m.leading(m.fewCodes, "/security/codes"), secure}
			if m.Link != "" {
				w.button, w.act, w.after = m.Say.MailNotMe(), m.Say.MailCodeUsedAct(), w.after[:1]
			}
		}
	default:
		if w, ok = m.stepWords(w, nothing); !ok {
			return w, false
		}
	}
	if m.Link != "" && w.button == "" {
		w.button, w.act = m.Say.MailNotMe(), m.Say.MailFactorAct()
		w.after = slices.DeleteFunc(w.after, func(p paragraph) bool { return p == nothing || p == secure })
	}
	return w, true
}

// fewCodes asks the owner to get new codes.
func (m Mail) fewCodes(url string) string {
	if m.CodesLeft == 0 {
		return m.Say.MailCodeUsedFewNone(url)
	}
	return m.Say.MailCodeUsedFew(m.CodesLeft, url)
}

// stepWords are the words of mails about the second step itself.
func (m Mail) stepWords(w wording, nothing paragraph) (wording, bool) {
	switch m.Kind {
	case "factor_closed":
		w.subject, w.heading, w.lead = m.Say.MailCodesClosedSubject(), m.Say.MailCodesClosedHeading(), m.Say.MailCodesClosedLead()
		w.after = []paragraph{{text: m.Say.MailCodesClosedAccept()}, m.leading(m.Say.MailCodesClosedChoose, "/security/password")}
	case "second_step_missed":
		w.subject, w.heading, w.lead = m.Say.MailStepMissedSubject(), m.Say.MailStepMissedHeading(), m.Say.MailStepMissedLead()
		w.after = []paragraph{nothing, m.leading(m.Say.MailStepMissedChoose, "/security/password")}
	case "factors_reset":
		w.subject, w.heading, w.lead = m.Say.MailFactorsResetSubject(), m.Say.MailFactorsResetHeading(), m.Say.MailFactorsResetLead()
		w.after = []paragraph{m.leading(m.Say.MailFactorsResetSetUp, "/security/setup"), m.contact()}
	case "enrol_code":
		w.subject, w.heading, w.lead = m.Say.MailEnrolCodeSubject(), m.Say.MailEnrolCodeHeading(), m.Say.MailEnrolCodeLead()
		w.alarm, w.code, w.expiry = false, m.Code, m.Say.MailEnrolCodeUntil(m.exact(m.Until))
		w.after = []paragraph{{text: m.Say.MailEnrolCodeSecret()}, m.leading(m.Say.MailEnrolCodeChoose, "/forgot")}
	default:
		return w, false
	}
	return w, true
}

// factorFacts are what is known about the factor.
func (m Mail) factorFacts() (list []Fact) {
	switch {
	case m.NewName != "":
		list = append(list, Fact{m.Say.MailFactOldName(), m.named(m.Factor)}, Fact{m.Say.MailFactNewName(), m.named(m.NewName)})
	case m.Factor != "" && !m.App:
		list = append(list, Fact{m.Say.MailFactPasskey(), m.named(m.Factor)})
	}
	return list
}
