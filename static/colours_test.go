package static

import (
	"regexp"
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
