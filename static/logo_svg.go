package static

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

const svgNamespace = "http://www.w3.org/2000/svg"

// drawn are the elements of SVG that a logo may have: those that draw. What can run, load, move or hold HTML is not among them.
var drawn = strings.Fields(`svg g defs symbol use switch title desc metadata style view
	path rect circle ellipse line polyline polygon text tspan textPath
	linearGradient radialGradient stop pattern clipPath mask marker filter
	feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight
	feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight
	feSpecularLighting feSpotLight feTile feTurbulence`)

// readSVG takes a drawing that shows the same to everybody: no program, no DTD, nothing from elsewhere. Browsers show it in <img> only,
// where none of this works either, and it is served under a policy of its own; but a person may open its address.
func readSVG(data []byte) (*Logo, error) {
	if len(data) > maxSVG {
		return nil, fmt.Errorf("the SVG is larger than %d KiB: simplify it, or use a PNG", maxSVG>>10)
	}
	logo := &Logo{drawing: data}
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, byteOrderMark)))
	var open []xml.Name
	var css strings.Builder // of the style element that is open
	for began := false; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && began {
			return newLogo(logo)
		}
		if err != nil {
			return nil, fmt.Errorf("the SVG is not well-formed: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("the SVG has a <!DOCTYPE>: take it out")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, fmt.Errorf("the SVG has a <?%s?>: take it out", t.Target)
			}
		case xml.StartElement:
			if !began {
				if err := logo.begin(t); err != nil {
					return nil, err
				}
				began = true
			} else if len(open) == 0 {
				return nil, errors.New("the SVG has more than one root")
			}
			if err := checkElement(t); err != nil {
				return nil, err
			}
			open = append(open, t.Name)
		case xml.EndElement:
			if open[len(open)-1].Local == "style" {
				if err := checkStyle(css.String()); err != nil {
					return nil, err
				}
				css.Reset()
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1].Local == "style" {
				css.Write(t) // comments and CDATA may cut it, and browsers join it again
			}
		}
	}
}

func checkElement(e xml.StartElement) error {
	if e.Name.Space == svgNamespace && !slices.Contains(drawn, e.Name.Local) || strings.HasSuffix(e.Name.Space, "/xhtml") {
		return fmt.Errorf("the SVG has a <%s>: a logo may only draw", e.Name.Local)
	}
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		name, value := strings.ToLower(a.Name.Local), strings.TrimSpace(a.Value)
		switch {
		case strings.HasPrefix(name, "on"):
			return fmt.Errorf("the SVG has %s=…: a logo may not hold a program", a.Name.Local)
		case name == "href" && !strings.HasPrefix(value, "#"), name == "src", name == "base":
			return fmt.Errorf("the SVG has %s=%.40q: a logo may not refer to anything outside itself", a.Name.Local, value)
		}
		if err := checkStyle(value); err != nil {
			return err
		}
	}
	return nil
}

var (
	reference = regexp.MustCompile(`(?i)url\s*\(\s*["']?\s*(.?)`)
	fetching  = regexp.MustCompile(`(?i)@import|@font-face|image-set|image\s*\(|src\s*\(|javascript:|\\`) // an escape could hide the others
)

// checkStyle takes CSS, or a value of an attribute, that refers to nothing outside the drawing.
func checkStyle(css string) error {
	for _, found := range reference.FindAllStringSubmatch(css, -1) {
		if found[1] != "#" {
			return errors.New("the SVG has a url(…) that is not in it: a logo may not refer to anything outside itself")
		}
	}
	if found := fetching.FindString(css); found != "" {
		return fmt.Errorf("the SVG has %s in its style: a logo may not refer to anything outside itself", found)
	}
	return nil
}

var length = regexp.MustCompile(`^\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(px)?\s*$`)

// begin reads the size from the root: its viewBox, or else its width and height.
func (l *Logo) begin(root xml.StartElement) error {
	if root.Name.Local != "svg" || root.Name.Space != svgNamespace {
		return fmt.Errorf(`the file is no SVG: it does not begin with <svg xmlns=%q>`, svgNamespace)
	}
	numbers := map[string]float64{}
	for _, a := range root.Attr {
		if a.Name.Space != "" {
			continue
		}
		box := strings.FieldsFunc(a.Value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' })
		switch {
		case a.Name.Local == "viewBox" && len(box) == 4:
			numbers["box width"], numbers["box height"] = side(box[2]), side(box[3])
		case a.Name.Local == "width", a.Name.Local == "height":
			numbers[a.Name.Local] = side(a.Value)
		}
	}
	for _, form := range []string{"box ", ""} {
		if l.width, l.height = numbers[form+"width"], numbers[form+"height"]; l.width > 0 && l.height > 0 {
			return nil
		}
	}
	return errors.New(`the SVG does not say how large it is: give it a viewBox="0 0 WIDTH HEIGHT"`)
}

// side is a length in pixels, or 0.
func side(s string) float64 {
	found := length.FindStringSubmatch(s)
	if found == nil {
		return 0
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil || n < 0.001 || n > 1e6 {
		return 0
	}
	return n
}
