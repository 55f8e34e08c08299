package totp_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"

	"latchkey/auth/totp"
)

// drawing is what the tests read of the SVG.
type drawing struct {
	ViewBox string `xml:"viewBox,attr"`
	Width   int    `xml:"width,attr"`
	Height  int    `xml:"height,attr"`
	Paths   []struct {
		Fill   string `xml:"fill,attr"`
		Stroke string `xml:"stroke,attr"`
		D      string `xml:"d,attr"`
	} `xml:"path"`
}

// modules reads an SVG of QR back: which modules are dark, the quiet zone included.
func modules(t *testing.T, uri string) [][]bool {
	t.Helper()
	text, ok := strings.CutPrefix(uri, "data:image/svg+xml;base64,")
	if !ok {
		t.Fatalf("not a data URI of an SVG: %.60q", uri)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "style") {
		t.Error("the page's policy allows no inline style")
	}
	var svg drawing
	if err := xml.Unmarshal(raw, &svg); err != nil {
		t.Fatal(err)
	}
	var size int
	if n, err := fmt.Sscanf(svg.ViewBox, "0 0 %d", &size); n != 1 || svg.ViewBox != fmt.Sprintf("0 0 %d %d", size, size) {
		t.Fatalf("view box %q: %v", svg.ViewBox, err)
	}
	if svg.Width%size != 0 || svg.Width != svg.Height {
		t.Errorf("%d by %d pixels are not a whole number for each of %d modules", svg.Width, svg.Height, size)
	}
	if len(svg.Paths) != 2 || svg.Paths[0].Fill != "#fff" || svg.Paths[0].D != fmt.Sprintf("M0 0h%dv%dH0z", size, size) || svg.Paths[1].Stroke != "#000" {
		t.Fatalf("not black on a white ground: %d paths, %.60v", len(svg.Paths), svg.Paths)
	}
	grid := make([][]bool, size)
	for y := range grid {
		grid[y] = make([]bool, size)
	}
	for _, run := range strings.Split(svg.Paths[1].D, "M")[1:] {
		var x, y, width int
		if n, err := fmt.Sscanf(run, "%d %d.5h%d", &x, &y, &width); n != 3 {
			t.Fatalf("run %q: %v", run, err)
		}
		for i := range width {
			grid[y][x+i] = true
		}
	}
	return grid
}

func TestQRDrawsEachModuleWithinAQuietZone(t *testing.T) {
	text := totp.URL(rfcSecret, "Latchkey", "ada@example.com")
	uri, err := totp.QR(text)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	grid, size := modules(t, uri), code.Bounds().Dx()
	if len(grid) != size+8 {
		t.Fatalf("%d modules wide, want %d and four on either side", len(grid), size)
	}
	for y := range grid {
		for x := range grid {
			inside := x >= 4 && y >= 4 && x < size+4 && y < size+4
			want := inside && color.GrayModel.Convert(code.At(x-4, y-4)) == color.Color(color.Gray{})
			if grid[y][x] != want {
				t.Fatalf("module %d, %d: dark %v, want %v", x, y, grid[y][x], want)
			}
		}
	}
}

func TestQRTakesTheLongestAddress(t *testing.T) {
	account := strings.Repeat("+", 64) + "@" + strings.Repeat("ä", 190) // each letter is escaped
	if _, err := totp.QR(totp.URL(totp.NewSecret(), strings.Repeat("ß", 64), account)); err != nil {
		t.Error(err)
	}
	if uri, err := totp.QR(strings.Repeat("x", 3000)); err == nil || uri != "" {
		t.Errorf("3,000 bytes: got %.20q, %v", uri, err)
	}
}
