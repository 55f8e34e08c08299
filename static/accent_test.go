package static

import (
	"strings"
	"testing"
)

func TestOnlyAColourIsAnAccent(t *testing.T) {
	for _, bad := range []string{"", "teal", "#12", "#1234", "#12345", "#1234567", "#gggggg", "0b655b", "rgb(1,2,3)", "#0b655b;}", "#0b655b #000", "url(#a)", "#0b655bff"} {
		if a, err := ParseAccent(bad); err == nil || a != nil || !strings.Contains(err.Error(), "#0b655b") {
			t.Errorf("%q: %v, %v", bad, a, err)
		}
	}
	for text, want := range map[string]string{"#0B655B": "#0b655b", " #048 ": "#004488", "#000": "#000000", "#7a1fa2": "#7a1fa2"} {
		if a, err := ParseAccent(text); err != nil || a.light.accent.String() != want {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
}

// Of every colour that passes, every text can be read, in both schemes; of every other one, the colour that is named instead passes, is
// of the same hue, and one that is a little lighter does not pass.
func TestEveryAccentCanBeRead(t *testing.T) {
	light, dark := schemes()
	passed, refused := 0, 0
	for n := range 8 * 8 * 8 {
		c := colour{uint8(n >> 6 * 36), uint8(n >> 3 & 7 * 36), uint8(n & 7 * 36)}
		a, err := ParseAccent(c.String())
		if err != nil {
			refused++
			_, name, ok := strings.Cut(err.Error(), "that passes is ")
			better, isColour := parseColour(name)
			if !ok || !isColour {
				t.Fatalf("%s: %v", c, err)
			}
			if a, err = ParseAccent(name); err != nil {
				t.Fatalf("%s: %s is said to pass: %v", c, name, err)
			}
			lighter := better.tone()
			if lighter.lightness += 0.01; lighter.lightness < c.tone().lightness && least(lighter.colour(), light.grounds) >= readable {
				t.Errorf("%s: %s passes, and so does %s", c, name, lighter.colour())
			}
		} else {
			passed++
		}
		for name, in := range map[string]struct {
			scheme
			tones
		}{"light": {light, a.light}, "dark": {dark, a.dark}} {
			for what, got := range map[string]float64{
				"the accent on the grounds": least(in.tones.accent, in.grounds), "under the pointer": least(in.tones.strong, in.grounds),
				"text on the accent": contrast(in.tones.on, in.tones.accent), "text on it, under the pointer": contrast(in.tones.on, in.tones.strong),
				"on its own ground": contrast(in.tones.accent, in.tones.soft), "under the pointer, on it": contrast(in.tones.strong, in.tones.soft),
				"text on its ground": contrast(in.ink, in.tones.soft), "soft text on its ground": contrast(in.scheme.soft, in.tones.soft),
			} {
				if got < 4.5 {
					t.Errorf("%s, %s: %s: %.2f", c, name, what, got)
				}
			}
		}
	}
	if passed < 100 || refused < 100 {
		t.Errorf("%d passed and %d were refused", passed, refused)
	}
}

// What we demand of others holds for our own colours.
func TestOurOwnAccentPasses(t *testing.T) {
	light, dark := schemes()
	if _, err := ParseAccent(light.accent.String()); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]scheme{"light": light, "dark": dark} {
		if least(s.accent, s.grounds) < readable || least(s.strong, s.grounds) < readable || contrast(s.on, s.accent) < readable {
			t.Errorf("the %s scheme", name)
		}
	}
}

func TestContrastIsThatOfTheStandard(t *testing.T) {
	for _, c := range []struct {
		a, b colour
		want float64
	}{{colour{0, 0, 0}, colour{255, 255, 255}, 21}, {colour{0x76, 0x76, 0x76}, colour{255, 255, 255}, 4.54}, {colour{255, 0, 0}, colour{255, 255, 255}, 4.00}, {colour{1, 2, 3}, colour{1, 2, 3}, 1}} {
		if got := contrast(c.a, c.b); got < c.want-0.005 || got > c.want+0.005 {
			t.Errorf("%s and %s: %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
	for _, c := range []colour{{0, 0, 0}, {255, 255, 255}, {11, 101, 91}, {255, 0, 255}, {1, 200, 7}} {
		if got := c.tone().colour(); got != c {
			t.Errorf("%s becomes %s", c, got)
		}
	}
}
