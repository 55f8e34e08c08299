package static

import (
	"regexp"
	"strings"
	"testing"
)

// Sides follow the direction of the writing: what is named left and right would stand on the wrong side of a page that runs from right
// to left. What has no logical form, such as clip-path, has a rule of its own for that.
func TestStylesFollowTheDirectionOfTheWriting(t *testing.T) {
	css, err := embedded.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	sides := regexp.MustCompile(`^(left|right|(margin|padding|border)-(left|right)[a-z-]*|(text-align|float|clear): (left|right))\b`)
	four := regexp.MustCompile(`^(?:margin|padding|inset|border-width): \S+ (\S+) \S+ (\S+)( !important)?;`)
	for i, line := range strings.Split(string(css), "\n") {
		line = strings.TrimSpace(line)
		if m := four.FindStringSubmatch(line); sides.MatchString(line) || m != nil && m[1] != m[2] {
			t.Errorf("app.css:%d: %s", i+1, line)
		}
	}
}
