package views

import (
	"strings"

	"github.com/a-h/templ"
)

// The styles of a mail stand in its elements: Outlook's Word engine knows little else, and some programs drop the element <style>. That
// one has only what cannot stand in an element: narrow screens and dark colours. Tables hold the layout, and colours are attributes, too.
const (
	mailFont = "font-family:-apple-system,BlinkMacSystemFont,Segoe UI,Roboto,Helvetica,Arial,sans-serif;"
	mailWrap = "word-wrap:break-word;overflow-wrap:anywhere;"

	mailHidden templ.SafeCSS = "display:none;mso-hide:all;max-height:0;overflow:hidden;font-size:1px;line-height:1px;color:#f6f5f1;"
	mailPage   templ.SafeCSS = "margin:0;padding:0;background-color:" + mailBack + ";"
	mailSheet  templ.SafeCSS = "padding:24px 16px;"
	mailColumn templ.SafeCSS = "width:100%;max-width:560px;"
	mailLogo   templ.SafeCSS = "padding:4px;border-radius:8px;vertical-align:middle;"
	mailNote   templ.SafeCSS = "margin:0 0 8px;"
	mailCard   templ.SafeCSS = "padding:24px;border:1px solid #e2dfd6;border-radius:14px;background-color:" + mailWhite + ";" + mailText
	mailTitle  templ.SafeCSS = "margin:0 0 12px;font-size:24px;line-height:30px;font-weight:700;"
	mailLine   templ.SafeCSS = "margin:0 0 16px;"
	mailSmall  templ.SafeCSS = "margin:0 0 16px;font-size:14px;line-height:21px;color:" + mailGrey + ";"
	mailCode   templ.SafeCSS = "margin:0 0 8px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:28px;line-height:36px;font-weight:700;"
	mailFact   templ.SafeCSS = "padding:8px 0;" + mailText
	mailRule   templ.SafeCSS = "border-bottom:1px solid #e2dfd6;"
	mailAct    templ.SafeCSS = "margin:0 0 16px;"
	mailLabel                = "display:inline-block;padding:12px 20px;" + mailFont + "font-size:16px;line-height:24px;font-weight:600;text-decoration:none;"
	mailWhy    templ.SafeCSS = "padding:16px 0 0;" + mailFont + mailWrap + "font-size:14px;line-height:21px;color:" + mailGrey + ";"

	mailText  = mailFont + mailWrap + "font-size:16px;line-height:24px;color:#1b211f;"
	mailBack  = "#f6f5f1"
	mailWhite = "#ffffff"
	mailGrey  = "#585e5b"
	mailAlarm = "#b3261e"
)

// mailBlock is for narrow screens and dark colours.
const mailBlock = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (max-width: 430px) {
	.card { padding: 20px 16px !important; }
	.action { width: 100% !important; }
	.button a { display: block !important; }
	.facts td { display: block !important; width: auto !important; padding: 0 0 8px !important; }
	.facts td.name { padding: 8px 0 0 !important; border: 0 !important; font-size: 14px !important; }
}
@media (prefers-color-scheme: dark) {
	body, .page { background-color: #111514 !important; }
	.card { border-color: #2e3734 !important; background-color: #1a201e !important; color: #e9edeb !important; }
	.facts td { border-color: #2e3734 !important; color: #e9edeb !important; }
	.facts td.name, .small { color: #a7b2ad !important; }
	.brand img { background-color: #ffffff !important; }
	.brand, .url { color: {accent} !important; }
	.button { background-color: {accent} !important; }
	.button a { color: {on} !important; }
	.button-alarm { background-color: #c8372d !important; }
	.button-alarm a { color: #ffffff !important; }
}
`

// outlookColumn is the column for Outlook's Word engine, which knows no max-width: a comment for everybody else.
const (
	outlookColumn    = `<!--[if mso]><table role="presentation" width="560" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->`
	outlookColumnEnd = `<!--[if mso]></td></tr></table><![endif]-->`
)

// start is where a line begins. Word knows only left and right.
func (m Mail) start() string {
	if m.Say.RightToLeft() {
		return "right"
	}
	return "left"
}

// factName is the style of the name of a fact, with room between it and the value.
func (m Mail) factName() templ.SafeCSS {
	padding := "8px 12px 8px 0"
	if m.Say.RightToLeft() {
		padding = "8px 0 8px 12px"
	}
	return templ.SafeCSS("padding:" + padding + ";" + mailFont + mailWrap + "font-size:16px;line-height:24px;color:" + mailGrey + ";")
}

// ruled is a line below a row of facts that another follows.
func ruled(more bool) templ.SafeCSS {
	if more {
		return mailRule
	}
	return ""
}

// factsStyle leaves room below the facts only where something follows.
func (m Mail) factsStyle(w wording) templ.SafeCSS {
	margin := "0 0 20px"
	if m.Link == "" && len(w.after) == 0 {
		margin = "0"
	}
	return templ.SafeCSS("width:100%;margin:" + margin + ";table-layout:fixed;")
}

func (m Mail) brandStyle() templ.SafeCSS {
	return templ.SafeCSS("padding:0 0 16px;" + mailFont + mailWrap + "font-size:16px;line-height:24px;font-weight:700;color:" + m.accents().Light + ";")
}

func (m Mail) linkStyle() templ.SafeCSS { return templ.SafeCSS("color:" + m.accents().Light + ";") }

func (m Mail) urlStyle() templ.SafeCSS { return m.linkStyle() + "word-break:break-all;" }

// button returns the colours of the button: its own, and that of its label.
func (m Mail) button() (own, label string) {
	if m.words().alarm {
		return mailAlarm, mailWhite
	}
	return m.accents().Light, m.accents().OnLight
}

func (m Mail) buttonColour() string {
	own, _ := m.button()
	return own
}

// buttonStyle makes a table cell a button. Word knows no padding of a link: the cell has it there.
func (m Mail) buttonStyle() templ.SafeCSS {
	return templ.SafeCSS("border-radius:8px;mso-padding-alt:12px 20px;background-color:" + m.buttonColour() + ";")
}

func (m Mail) labelStyle() templ.SafeCSS {
	_, label := m.button()
	return templ.SafeCSS("color:" + label + ";" + mailLabel)
}

// style is the block of what cannot stand in an element.
func (m Mail) style() string {
	return "<style>" + strings.NewReplacer("{accent}", m.accents().Dark, "{on}", m.accents().OnDark).Replace(mailBlock) + "</style>"
}

// preheader is what lists of mails show after the subject. The blanks after it keep the rest of the mail out of there.
func (m Mail) preheader() string {
	return m.words().lead + strings.Repeat("\u00a0\u200c", 80)
}
