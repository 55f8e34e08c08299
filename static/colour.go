package static

import (
	"fmt"
	"image/color"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// readable is the least contrast of text with its ground (WCAG 2.2, success criterion 1.4.3).
const readable = 4.5

// colour is an opaque colour of sRGB.
type colour [3]uint8

var hexadecimal = regexp.MustCompile(`^#([0-9a-f]{3}|[0-9a-f]{6})$`)

func parseColour(s string) (c colour, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if !hexadecimal.MatchString(s) {
		return c, false
	}
	digits := s[1:]
	for i := range c {
		part := digits[2*i*len(digits)/6 : 2*(i+1)*len(digits)/6]
		if len(part) == 1 {
			part += part
		}
		n, _ := strconv.ParseUint(part, 16, 8)
		c[i] = uint8(n)
	}
	return c, true
}

// String is the colour as CSS writes it: #0b655b.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// opaque is the colour for package image.
func (c colour) opaque() color.Color { return color.NRGBA{c[0], c[1], c[2], 255} }

// luminance is the relative luminance (WCAG 2.2).
func (c colour) luminance() float64 {
	l := c.linear()
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

func (c colour) linear() (l [3]float64) {
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			l[i] = s / 12.92
		} else {
			l[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return l
}

// contrast is the contrast ratio of two colours, 1 to 21 (WCAG 2.2).
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// least is the lowest contrast of a colour with these.
func least(c colour, with []colour) float64 {
	lowest := math.Inf(1)
	for _, other := range with {
		lowest = min(lowest, contrast(c, other))
	}
	return lowest
}

// mixed is a, with so much of b in it (0 to 1), as color-mix(in srgb) makes it.
func mixed(a, b colour, share float64) (c colour) {
	for i := range c {
		c[i] = uint8(math.Round(float64(a[i])*(1-share) + float64(b[i])*share))
	}
	return c
}

// tone is a colour by lightness (0 to 1), chroma and hue, as people see them (OKLCH, CSS Color 4 §9.3).
type tone struct{ lightness, chroma, hue float64 }

func (c colour) tone() tone {
	l := c.linear()
	x := math.Cbrt(0.4122214708*l[0] + 0.5363325363*l[1] + 0.0514459929*l[2])
	y := math.Cbrt(0.2119034982*l[0] + 0.6806995451*l[1] + 0.1073969566*l[2])
	z := math.Cbrt(0.0883024619*l[0] + 0.2817188376*l[1] + 0.6299787005*l[2])
	a := 1.9779984951*x - 2.4285922050*y + 0.4505937099*z
	b := 0.0259040371*x + 0.7827717662*y - 0.8086757660*z
	return tone{0.2104542553*x + 0.7936177850*y - 0.0040720468*z, math.Hypot(a, b), math.Atan2(b, a)}
}

// colour is the tone in sRGB. A tone that screens cannot show loses as much chroma as it takes, and keeps lightness and hue.
func (t tone) colour() colour {
	t.lightness = min(max(t.lightness, 0), 1)
	if c, ok := t.exact(); ok {
		return c
	}
	lower, upper := 0.0, t.chroma
	for range 20 {
		t.chroma = (lower + upper) / 2
		if _, ok := t.exact(); ok {
			lower = t.chroma
		} else {
			upper = t.chroma
		}
	}
	t.chroma = lower
	c, _ := t.exact()
	return c
}

func (t tone) exact() (c colour, ok bool) {
	a, b := t.chroma*math.Cos(t.hue), t.chroma*math.Sin(t.hue)
	cube := func(v float64) float64 { return v * v * v }
	x := cube(t.lightness + 0.3963377774*a + 0.2158037573*b)
	y := cube(t.lightness - 0.1055613458*a - 0.0638541728*b)
	z := cube(t.lightness - 0.0894841775*a - 1.2914855480*b)
	ok = true
	for i, v := range [3]float64{
		4.0767416621*x - 3.3077115913*y + 0.2309699292*z,
		-1.2684380046*x + 2.6097574011*y - 0.3413193965*z,
		-0.0041960863*x - 0.7034186147*y + 1.7076147010*z,
	} {
		ok = ok && v > -1e-4 && v < 1+1e-4
		v = min(max(v, 0), 1)
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		c[i] = uint8(math.Round(v * 255))
	}
	return c, ok
}
