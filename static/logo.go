package static

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
)

// Bounds of a logo.
const (
	// MaxLogo is how many bytes a logo's file may have. Pages get a PNG in the size in which they show it.
	MaxLogo    = 1 << 20
	maxSVG     = 32 << 10 // of an SVG, which is sent as it is
	leastSide  = 32       // pixels of a PNG
	mostSide   = 2048
	mostAspect = 8 // times as long as high, or as high as long
)

// Logo is an operator's logo, checked.
type Logo struct {
	drawing       []byte      // an SVG, as it was given
	picture       image.Image // otherwise
	shownPNG      []byte      // the picture, as pages and mails show it
	width, height float64     // in pixels or units of the drawing
}

// ReadLogo checks the content of a logo's file. The error says what is wrong with it and, where that is not plain, what would do.
func ReadLogo(data []byte) (*Logo, error) {
	switch {
	case len(data) == 0:
		return nil, errors.New("the file is empty")
	case len(data) > MaxLogo:
		return nil, fmt.Errorf("the file is larger than %d KiB", MaxLogo>>10)
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return readPNG(data)
	case bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark)), []byte("<")):
		return readSVG(data)
	}
	return nil, errors.New("the file is neither an SVG nor a PNG")
}

func readPNG(data []byte) (*Logo, error) {
	config, err := png.DecodeConfig(bytes.NewReader(data)) // first, for a few bytes can ask for gigabytes of pixels
	if err != nil {
		return nil, fmt.Errorf("the PNG is damaged: %w", err)
	}
	if w, h := config.Width, config.Height; min(w, h) < leastSide || max(w, h) > mostSide {
		return nil, fmt.Errorf("the PNG has %d×%d pixels; each side must have %d to %d", w, h, leastSide, mostSide)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the PNG is damaged: %w", err)
	}
	l, err := newLogo(&Logo{picture: picture, width: float64(config.Width), height: float64(config.Height)})
	if err != nil {
		return nil, err
	}
	l.shownPNG, err = l.scaled()
	return l, err
}

func newLogo(l *Logo) (*Logo, error) {
	if l.width > mostAspect*l.height || l.height > mostAspect*l.width {
		return nil, fmt.Errorf("the logo is more than %d times as long as it is high, or as high as long", mostAspect)
	}
	return l, nil
}

// Wide tells of a logo that has the form of a word, and so probably says the name.
func (l *Logo) Wide() bool { return l.width >= 2*l.height }

// PNG is the logo for mails, whose programs show no SVG: nil if it is one.
func (l *Logo) PNG() []byte { return l.shownPNG }

// Size is in pixels of CSS how large pages and mails show the logo: at most 36 high and 180 long.
func (l *Logo) Size() (width, height int) {
	scale := min(36/l.height, 180/l.width)
	return max(1, int(l.width*scale+0.5)), max(1, int(l.height*scale+0.5))
}
