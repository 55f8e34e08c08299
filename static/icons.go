package static

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/draw"
)

// mostShown is about how many bytes the PNG that every page shows may have, so that a first visit stays small.
const mostShown = 16 << 10

// scaled is the picture as sharp as screens show it, or less sharp where that would be too large a file.
func (l *Logo) scaled() ([]byte, error) {
	var data []byte
	for _, dense := range []float64{3, 2, 1.5, 1} {
		w, h := l.Size()
		scale := min(dense, l.width/float64(w)) // never larger than the original
		target := image.Rect(0, 0, max(1, int(float64(w)*scale)), max(1, int(float64(h)*scale)))
		scaled := image.NewNRGBA(target)
		draw.CatmullRom.Scale(scaled, target, l.picture, l.picture.Bounds(), draw.Src, nil)
		var err error
		if data, err = encoded(scaled); err != nil || len(data) <= mostShown {
			return data, err
		}
	}
	return data, nil
}

// icon is the picture in the middle of a square. A ground of nil is transparent; margin is a share of the side.
func (l *Logo) icon(side int, ground color.Color, margin float64) ([]byte, error) {
	square := image.NewNRGBA(image.Rect(0, 0, side, side))
	if ground != nil {
		draw.Draw(square, square.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	}
	scale := float64(side) * (1 - 2*margin) / max(l.width, l.height)
	w, h := max(1, int(math.Round(l.width*scale))), max(1, int(math.Round(l.height*scale)))
	at := image.Rect(0, 0, w, h).Add(image.Pt((side-w)/2, (side-h)/2))
	draw.CatmullRom.Scale(square, at, l.picture, l.picture.Bounds(), draw.Over, nil)
	return encoded(square)
}

func encoded(picture image.Image) ([]byte, error) {
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("encode a PNG: %w", err)
	}
	return b.Bytes(), nil
}
