package totp

import (
	"encoding/base64"
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// quietZone is the white margin around the modules (ISO/IEC 18004). Without it a scanner fails on a dark page.
const quietZone = 4

// QR returns a QR code of a text as a data URI for an <img>: an SVG of black modules on white, whatever the colours of the page. It is
// sharp at every size, and the page's content security policy needs only `img-src data:`. It fails for texts that are too long for a
// QR code, over about 2,300 bytes.
func QR(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("drawing a QR code of %d bytes: %w", len(text), err)
	}
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg(code))), nil
}

// svg draws each run of dark modules of a row as one line of a single path, as wide as a module.
func svg(code barcode.Barcode) string {
	bounds := code.Bounds()
	var path strings.Builder
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			start := x
			for x < bounds.Max.X && dark(code, x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %d.5h%d", start+quietZone, y+quietZone, x-start)
			}
		}
	}
	size := bounds.Dx() + 2*quietZone
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path stroke="#000" d="%s"/></svg>`, size, size, 8*size, 8*size, size, size, path.String())
}

func dark(code barcode.Barcode, x, y int) bool {
	return color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
}
