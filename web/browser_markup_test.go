package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

const validateRun = `(async (html, rules) => {
	const report = await new HtmlValidate(new StaticConfigLoader({extends: ["html-validate:recommended"], rules: {
		"form-dup-name": ["error", {shared: ["radio", "checkbox", "button", "reset", "submit"]}], ...rules}})).validateString(html);
	return JSON.stringify(report.results.flatMap(r => r.messages.map(m => m.line + ":" + m.column + " " + m.ruleId + ": " + m.message)));
})`

// ofMails are the rules that mails break on purpose: Outlook draws with Word's engine, which knows attributes better than styles.
const ofMails = `{"no-deprecated-attr": "off", "no-conditional-comment": "off", "presentation-role-style": "off"}`

// validate runs html-validate over a page as it was sent, with exceptions to its rules; load must have brought it.
func (c *tab) validate(html, rules string) []string {
	c.t.Helper()
	text, err := json.Marshal(html)
	if err != nil {
		c.t.Fatal(err)
	}
	var messages []string
	if err := json.Unmarshal([]byte(evaluate[string](c, validateRun+"("+string(text)+", "+rules+")")), &messages); err != nil {
		c.t.Fatal(err)
	}
	return messages
}

func TestEveryStateIsValidHTML(t *testing.T) {
	s := gallerySite(t)
	c := openTabFor(t, s.URL, 1280, true, 15*time.Minute)
	c.load(vendored(t, "html-validate/html-validate.min.js"))
	c.open("/gallery", http.StatusOK)
	b := s.browser()
	var sound string
	letters := letterPaths()
	for i, path := range append(append(letters, galleryPaths()...), "/gallery", "/login", "/nothing") {
		rules := "{}"
		if i < len(letters) {
			rules = ofMails
		}
		sound = b.get(path).body
		for _, message := range c.validate(sound, rules) {
			if strings.Contains(path, "brand") && strings.Contains(message, "long-title") {
				continue // a brand may have a long name: tabs cut it
			}
			t.Errorf("%s: %s", path, message)
		}
	}
	for _, fault := range []string{"<p><div></div>", `<input id="main">`, "<button>", `<a href="/x">`, `<img src="/x">`} {
		if len(c.validate(strings.Replace(sound, "<h1>", fault+"<h1>", 1), "{}")) == 0 {
			t.Errorf("%s is not found", fault)
		}
	}
}
