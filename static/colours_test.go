package static

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Who prefers dark and who chose it must see the same.
func TestTheDarkColoursAreTheSameHoweverTheyAreAskedFor(t *testing.T) {
	css, err := embedded.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	block := func(selector string) []string {
		_, rest, ok := strings.Cut(string(css), selector+" {")
		body, _, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			t.Fatalf("no rule for %s", selector)
		}
		return regexp.MustCompile(`[\w-]+: [^;]+;`).FindAllString(body, -1)
	}
	preferred, chosen := block(`:root:not([data-theme="light"])`), block(`:root[data-theme="dark"]`)
	if strings.Join(preferred, "\n") != strings.Join(chosen, "\n") || len(chosen) < 15 {
		t.Errorf("preferred:\n%s\nchosen:\n%s", strings.Join(preferred, "\n"), strings.Join(chosen, "\n"))
	}
	for _, line := range block(":root") {
		name, value, _ := strings.Cut(line, ":")
		if strings.Contains(value, "#") && name != "--lk-brass" && name != "--lk-code-ground" && !strings.Contains(strings.Join(chosen, " "), name+":") {
			t.Errorf("%s has no dark counterpart", name)
		}
	}
}

// Lines that tell a field, a button or a choice from its ground stand out from it by three to one (WCAG 1.4.11).
func TestLinesStandOutFromTheirGrounds(t *testing.T) {
	css, err := embedded.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, selector := range []string{":root", `:root[data-theme="dark"]`} {
		_, rest, _ := strings.Cut(string(css), selector+" {")
		body, _, _ := strings.Cut(rest, "}")
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--lk-([\w-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(body, -1) {
			colour[m[1]] = m[2]
		}
		for _, line := range []string{"line-strong", "accent"} {
			for _, ground := range []string{"paper", "surface", "sunken"} {
				a, b := luminance(t, colour[line]), luminance(t, colour[ground])
				if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); contrast < 3 {
					t.Errorf("%s: %s on %s has a contrast of %.2f", selector, line, ground, contrast)
				}
			}
		}
	}
}

// luminance is the relative one of WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(c uint64) float64 {
		if f := float64(c&0xff) / 255; f > 0.04045 {
			return math.Pow((f+0.055)/1.055, 2.4)
		}
		return float64(c&0xff) / 255 / 12.92
	}
	return 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
}

// The tokens at the top are the only place that names a colour, the mark's own excepted.
func TestOnlyTokensNameColours(t *testing.T) {
	css, err := embedded.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(css), "/* What Pico reads.")
	for _, found := range regexp.MustCompile(`(?:#[0-9a-f]{3,8}\b|rgb\(|hsl\()[^;]*;`).FindAllString(rules, -1) {
		if found != "#0b655b;" {
			t.Errorf("a colour outside the tokens: %s", found)
		}
	}
}
