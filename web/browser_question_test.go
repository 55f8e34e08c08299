package web_test

import (
	"context"
	"net/http"

	"github.com/chromedp/chromedp"
)

// yes is the button that answers a question, on its own page or in a dialog.
const yes = `.question .decision button[type="submit"]`

// asked clicks on what leads to a question and returns the question: a page of its own or, with scripts, a dialog over the
// page, whose address stays.
func (c *tab) asked(selector string) screen {
	c.t.Helper()
	if !c.script {
		return c.follow(selector)
	}
	before := c.address()
	c.do("click "+selector, clicked(selector), chromedp.WaitVisible(chromedp.CSS("dialog.ask[open] "+yes)))
	if after := c.address(); after != before {
		c.t.Errorf("the question led from %s to %s", before, after)
	}
	return c.dialog()
}

func (c *tab) address() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, stepTime)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		c.t.Fatal(err)
	}
	return at
}

func (c *tab) dialog() screen {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, stepTime)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.OuterHTML(chromedp.CSS("dialog.ask")))
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: text}.screen(c.t)
}

// refuse takes the way back from a question.
func (c *tab) refuse() {
	c.t.Helper()
	if !c.script {
		c.follow(".question [data-cancel]")
		return
	}
	c.do("cancel", clicked(".question [data-cancel]"), chromedp.WaitNotPresent(chromedp.CSS("dialog")))
}

// press sends keys to whatever has the focus.
func (c *tab) press(keys string) {
	c.t.Helper()
	c.do("press keys", chromedp.KeyEvent(keys))
}

// focused is the element whose focus is shown, by its attributes; nil when none is. It needs no scripts.
func (c *tab) focused() *chromedp.Node {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, stepTime)
	defer cancel()
	nodes, err := chromedp.Run(ctx, chromedp.Nodes(chromedp.CSS(":focus-visible"), chromedp.AtLeast(0)))
	if err != nil {
		c.t.Fatal(err)
	}
	if len(nodes) == 0 {
		return nil
	}
	return nodes[len(nodes)-1]
}

// tabTo goes from one element to the next by the keyboard until one fits, and fails when none of the next hundred does.
func (c *tab) tabTo(what string, fits func(*chromedp.Node) bool) {
	c.t.Helper()
	for range 100 {
		if at := c.focused(); at != nil && fits(at) {
			return
		}
		c.press("\t")
	}
	c.t.Fatalf("no way by the keyboard to %s", what)
}
