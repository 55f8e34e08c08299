package views

import (
	"strings"
	"testing"
	"time"
)

// flat is a mail's text in one line.
func flat(m Mail) string { return strings.Join(strings.Fields(m.Text()), " ") }

// Quotation marks are the sentence's: beside a name that is written the other way they must not turn around.
func TestOnlyTheNameInQuotationMarksIsIsolated(t *testing.T) {
	m := Mail{Kind: "device_reused", Device: rightToLeft, At: mailMoment, Base: "https://id.example.org"}
	if want := "“" + firstStrongIsolate + given(rightToLeft) + popIsolate + "”"; !strings.Contains(m.words().lead, want) {
		t.Errorf("%q does not hold %q", m.words().lead, want)
	}
}

func TestAMailToAStrangerNamesTheService(t *testing.T) {
	for _, c := range (gallery{now: mailMoment}).mails() {
		m := c.mail
		if m.Say = m.Say.Named("Acme"); !m.unconfirmed() {
			continue
		}
		if !strings.Contains(m.words().lead, "Acme") || strings.Contains(flat(m), "Latchkey") {
			t.Errorf("%s: %s", c.name, m.Text())
		}
	}
}

func TestMailsTellWhereToAsk(t *testing.T) {
	m := Mail{Kind: "email_lost", To: "a@example.org", At: mailMoment, Base: "https://id.example.org"}
	if !strings.Contains(flat(m), "contact your administrator.") {
		t.Error(m.Text())
	}
	m.Brand.Support = "mailto:help@acme.example"
	if !strings.Contains(flat(m), "contact us: help@acme.example") || len(find(render(t, HTMLMail(m)), "a", "href", m.Brand.Support)) != 2 {
		t.Error(m.Text())
	}
}

func TestASummaryThatIsCutTellsWhereTheRestIs(t *testing.T) {
	m := Mail{Kind: "new_device", At: mailMoment, Since: mailMoment.Add(-time.Hour), Base: "https://id.example.org", Total: 2, SignIns: make([]MailSignIn, 2)}
	if all := flat(m); strings.Contains(all, "Here are the first") || strings.Contains(all, "/activity") {
		t.Error(all)
	}
	m.Total = 122
	if all := flat(m); !strings.Contains(all, "Here are the first 2.") || !strings.Contains(all, "https://id.example.org/activity") {
		t.Error(all)
	}
}

// A mail that says there is nothing to do must not ask for new codes.
func TestFewRecoveryCodesAlwaysAskForSomething(t *testing.T) {
	for left, want := range map[int]string{8: "you don’t need to do anything", 1: "because you have only 1 left", 0: "because you have none left"} {
		for _, link := range []string{"", "https://id.example.org/not-me?token=x"} {
			m := Mail{Kind: "recovery_code_used", CodesLeft: left, Link: link, At: mailMoment, Until: mailMoment, Base: "https://id.example.org"}
			if all := flat(m); !strings.Contains(all, want) || left == 1 && strings.Contains(all, "need to do anything") {
				t.Errorf("%d left: %s", left, all)
			}
		}
	}
}

func TestACodeStandsBelowTheFirstLineWithItsEnd(t *testing.T) {
	m := Mail{Kind: "enrol_code", Code: "7QK4-ZD2M", At: mailMoment, Until: mailMoment.Add(30 * time.Minute), Base: "https://id.example.org"}
	if all := flat(m); !strings.Contains(all, m.words().lead+" 7QK4-ZD2M "+m.Say.MailEnrolCodeUntil(exact(m.Say, m.Until))) {
		t.Error(all)
	}
	if shown := text(render(t, HTMLMail(m))); strings.Count(shown, m.Code) != 1 {
		t.Errorf("the HTML tells the code %d times", strings.Count(shown, m.Code))
	}
}

// A rule that nothing follows looks like a row that is missing.
func TestTheLastFactHasNoRule(t *testing.T) {
	for _, c := range (gallery{now: mailMoment}).mails() {
		cells := find(find(render(t, HTMLMail(c.mail)), "table", "class", "facts")[0], "td")
		for i, cell := range cells {
			if last := i >= len(cells)-2; strings.Contains(value(cell, "style"), "border-bottom") == last {
				t.Errorf("%s: cell %d: %s", c.name, i, value(cell, "style"))
			}
		}
	}
}
