package views

import (
	"strings"
	"testing"
)

var testAssets = Assets{Styles: []string{"/static/pico.css", "/static/app.css"}, Script: "/static/app.js", Icons: []Icon{{URL: "/static/icon.svg", Type: "image/svg+xml", Sizes: "any"}}}

func TestEveryStateIsASoundPage(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Gallery(testAssets) {
		if seen[s.Name] {
			t.Errorf("two states are named %q", s.Name)
		}
		seen[s.Name] = true
		t.Run(s.Name, func(t *testing.T) {
			doc := render(t, s.Component)
			for _, fault := range faults(doc) {
				t.Error(fault)
			}
			if n := len(find(doc, "link", "rel", "stylesheet")); n != len(testAssets.Styles) {
				t.Errorf("%d styles linked, want %d", n, len(testAssets.Styles))
			}
		})
	}
}

func TestHostileTextIsShownAsItWasTyped(t *testing.T) {
	shown := 0
	for _, s := range Gallery(testAssets) {
		shown += strings.Count(text(render(t, s.Component)), hostile)
	}
	if shown < 10 {
		t.Errorf("hostile text is shown %d times: the gallery does not try it, or it was swallowed", shown)
	}
}

func TestNamesAreIsolated(t *testing.T) {
	var names []string
	for _, s := range Gallery(testAssets) {
		for _, n := range find(render(t, s.Component), "", "class", "device-name") {
			if len(find(n, "bdi")) != 1 {
				t.Errorf("%s: the name %q stands outside <bdi>", s.Name, text(n))
			}
			names = append(names, text(n))
		}
	}
	if !strings.Contains(strings.Join(names, " "), rightToLeft) {
		t.Error("the gallery shows no name that runs right to left")
	}
}
