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
	mailBrand  templ.SafeCSS = "padding:0 0 16px;" + mailFont + "font-size:16px;line-height:24px;font-weight:700;color:" + mailAccent + ";"
	mailLogo   templ.SafeCSS = "padding:2px;border-radius:4px;vertical-align:middle;"
	mailNote   templ.SafeCSS = "margin:0 0 8px;"
	mailCard   templ.SafeCSS = "padding:24px;border:1px solid #e2dfd6;border-radius:14px;background-color:" + mailWhite + ";" + mailText
	mailTitle  templ.SafeCSS = "margin:0 0 12px;font-size:24px;line-height:30px;font-weight:700;"
	mailLine   templ.SafeCSS = "margin:0 0 16px;"
	mailSmall  templ.SafeCSS = "margin:0 0 16px;font-size:14px;line-height:21px;color:" + mailGrey + ";"
	mailLink   templ.SafeCSS = "color:" + mailAccent + ";"
	mailURL    templ.SafeCSS = mailLink + "word-break:break-all;"
	mailFacts  templ.SafeCSS = "width:100%;margin:0 0 20px;table-layout:fixed;"
	mailFact   templ.SafeCSS = "padding:8px 0;border-bottom:1px solid #e2dfd6;" + mailText
	mailAct    templ.SafeCSS = "margin:0 0 16px;"
	mailLabel  templ.SafeCSS = "color:#ffffff;display:inline-block;padding:12px 20px;" + mailFont + "font-size:16px;line-height:24px;font-weight:600;text-decoration:none;"
	mailWhy    templ.SafeCSS = "padding:16px 0 0;" + mailFont + mailWrap + "font-size:14px;line-height:21px;color:" + mailGrey + ";"

	mailText   = mailFont + mailWrap + "font-size:16px;line-height:24px;color:#1b211f;"
	mailBack   = "#f6f5f1"
	mailWhite  = "#ffffff"
	mailGrey   = "#585e5b"
	mailAccent = "#0b655b"
	mailAlarm  = "#b3261e"
)

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
	return templ.SafeCSS("padding:" + padding + ";border-bottom:1px solid #e2dfd6;" + mailFont + mailWrap + "font-size:16px;line-height:24px;color:" + mailGrey + ";")
}

// colour is the button's.
func (w wording) colour() string {
	if w.alarm {
		return mailAlarm
	}
	return mailAccent
}

// buttonStyle makes a table cell a button. Word knows no padding of a link: the cell has it there.
func (w wording) buttonStyle() templ.SafeCSS {
	return templ.SafeCSS("border-radius:8px;mso-padding-alt:12px 20px;background-color:" + w.colour() + ";")
}

// preheader is what lists of mails show after the subject. The blanks after it keep the rest of the mail out of there.
func (m Mail) preheader() string {
	return m.words().lead + strings.Repeat("\u00a0\u200c", 80)
}
