package static

import (
	"fmt"
	"regexp"
	"strings"
)

// Accent is the colour of links, primary buttons and what is marked, with the tones that belong to it in the light and in the dark
// scheme. The zero Accent is the one of app.css.
type Accent struct{ light, dark tones }

// tones are an accent in one scheme.
type tones struct {
	accent, strong, soft, on colour // strong: under the pointer; soft: a ground; on: text on the accent
}

// grounds are the colours of app.css on which the accent stands as text.
var grounds = []string{"--lk-paper", "--lk-surface", "--lk-sunken", "--lk-danger-soft", "--lk-warn-soft"}

// scheme is what app.css says of one of its two schemes.
type scheme struct {
	grounds            []colour
	surface            colour
	ink, soft          colour // text, and text that matters less
	accent, strong, on colour
}

// styles is app.css.
func styles() string {
	css, err := embedded.ReadFile("app.css")
	if err != nil {
		panic(fmt.Sprintf("static: reading the embedded app.css: %v", err))
	}
	return string(css)
}

// schemeOf reads the tokens of a rule of app.css.
func schemeOf(css, selector string) (s scheme) {
	_, rest, _ := strings.Cut(css, "\n"+selector+" {")
	rule, _, _ := strings.Cut(rest, "\n}")
	token := func(name string) colour {
		found := regexp.MustCompile(name + `: (#[0-9a-f]{6});`).FindStringSubmatch(rule)
		if found == nil {
			panic(fmt.Sprintf("static: app.css gives %s no %s", selector, name))
		}
		c, _ := parseColour(found[1])
		return c
	}
	for _, name := range grounds {
		s.grounds = append(s.grounds, token(name))
	}
	s.surface, s.ink, s.soft = token("--lk-surface"), token("--lk-ink"), token("--lk-ink-soft")
	s.accent, s.strong, s.on = token("--lk-accent"), token("--lk-accent-strong"), token("--lk-on-accent")
	return s
}

func schemes() (light, dark scheme) {
	css := styles()
	return schemeOf(css, ":root"), schemeOf(css, `:root[data-theme="dark"]`)
}

// ParseAccent takes a colour as #rrggbb or #rgb. It is the accent of the light scheme; the dark scheme gets a lighter tone of it, as no
// colour can be read on both. The error of a colour whose contrast with one of the light grounds is below 4.5:1 names the nearest one of
// the same hue that passes.
func ParseAccent(s string) (*Accent, error) {
	c, ok := parseColour(s)
	if !ok {
		return nil, fmt.Errorf("%q is not a colour like #0b655b", s)
	}
	light, dark := schemes()
	if lowest := least(c, light.grounds); lowest < readable {
		return nil, fmt.Errorf("text in %s has a contrast of %.2f:1 with the light ground, and needs %.1f:1; the nearest colour that passes is %s", c, lowest, readable, nearest(c, light.grounds))
	}
	return &Accent{light.tones(c), dark.tones(lightened(c, dark.grounds))}, nil
}

// step is the difference of lightness between two tones that are tried.
const step = 0.002

// nearest is the lightest tone of a colour that is readable on these light grounds.
func nearest(c colour, grounds []colour) colour {
	for t := c.tone(); t.lightness > 0; t.lightness -= step {
		if darker := t.colour(); least(darker, grounds) >= readable {
			return darker
		}
	}
	return colour{}
}

// lightened is a colour's tone for the dark scheme: as light and as colourful as ours is there, or lighter where it must be.
func lightened(c colour, grounds []colour) colour {
	t := c.tone()
	t.lightness, t.chroma = 0.8, min(t.chroma, 0.13)
	for ; t.lightness < 1; t.lightness += step {
		if lighter := t.colour(); least(lighter, grounds) >= readable {
			return lighter
		}
	}
	return colour{255, 255, 255}
}

// tones are what belongs to an accent that is readable in a scheme.
func (s scheme) tones(accent colour) tones {
	t := tones{accent: accent, strong: accent, soft: s.surface, on: colour{255, 255, 255}}
	shift := -0.08
	if accent.luminance() > s.surface.luminance() { // the dark scheme
		shift = 0.08
		on := accent.tone()
		on.lightness, on.chroma = 0.22, min(on.chroma, 0.05)
		t.on = on.colour()
	} else if accent.tone().lightness < 0.25 {
		shift = 0.1 // of what is nearly black, only a lighter tone can be told apart
	}
	strong := accent.tone()
	strong.lightness += shift
	if c := strong.colour(); least(c, append(s.grounds, t.on)) >= readable {
		t.strong = c
	}
	for share := 0.14; share > 0; share -= 0.01 {
		soft := mixed(s.surface, accent, share)
		if least(soft, []colour{accent, t.strong, s.ink, s.soft}) >= readable {
			t.soft = soft
			break
		}
	}
	return t
}

// css are rules that follow those of app.css, and weigh as much.
func (a *Accent) css() string {
	return "\n:root {\n" + a.light.css() + "}\n" +
		"@media (prefers-color-scheme: dark) {\n:root:not([data-theme=\"light\"]) {\n" + a.dark.css() + "}\n}\n" +
		":root[data-theme=\"dark\"] {\n" + a.dark.css() + "}\n"
}

func (t tones) css() string {
	return fmt.Sprintf("  --lk-accent: %s;\n  --lk-accent-strong: %s;\n  --lk-accent-soft: %s;\n  --lk-on-accent: %s;\n", t.accent, t.strong, t.soft, t.on)
}
