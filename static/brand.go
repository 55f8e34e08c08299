package static

import "strconv"

// logoPolicy is for a person who opens the address of a logo: nothing in it runs or loads, whatever our checks overlooked.
const logoPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// logoName is the logo's own file, as pages and mails show it.
const logoName = "logo"

// Brand puts an operator's accent and logo in the place of ours; nil leaves ours. It is not safe once files are served.
func (f *Files) Brand(accent *Accent, logo *Logo) error {
	if accent != nil {
		f.add("app.css", []byte(styles()+accent.css()))
	}
	if logo == nil {
		return nil
	}
	f.logo = logo
	if logo.drawing != nil {
		f.addLogo(logoName+".svg", logo.drawing)
		return nil
	}
	f.addLogo(logoName+".png", logo.PNG())
	for name, make := range map[string]func() ([]byte, error){
		"icon-48.png":  func() ([]byte, error) { return logo.icon(48, nil, 0) },
		"icon-192.png": func() ([]byte, error) { return logo.icon(192, nil, 0) },
		"icon-512.png": func() ([]byte, error) { return logo.icon(512, nil, 0) },
		// iOS draws black where an icon is transparent, and rounds its corners.
		"apple-touch-icon.png": func() ([]byte, error) { return logo.icon(180, colour{255, 255, 255}.opaque(), 0.1) },
	} {
		icon, err := make()
		if err != nil {
			return err
		}
		f.addLogo(name, icon)
	}
	return nil
}

func (f *Files) addLogo(name string, content []byte) {
	f.add(name, content)
	a := f.assets[f.urls[name]]
	a.policy = logoPolicy
	f.assets[f.urls[name]] = a
}

// Picture is an image for pages.
type Picture struct {
	URL           string
	Width, Height int  // in pixels of CSS
	Wide          bool // it has the form of a word
}

// Logo is the operator's logo; nil: the operator gave none, and pages show ours.
func (f *Files) Logo() *Picture {
	if f.logo == nil {
		return nil
	}
	p := &Picture{URL: f.URL(f.logoFile()), Wide: f.logo.Wide()}
	p.Width, p.Height = f.logo.Size()
	return p
}

func (f *Files) logoFile() string {
	if f.logo.drawing != nil {
		return logoName + ".svg"
	}
	return logoName + ".png"
}

// Icon is a picture that stands for the whole site: in tabs, and on a phone's home screen. The sizes of a drawing are "any".
type Icon struct{ URL, Type, Sizes string }

// Small tells of an icon for tabs; a browser would fetch the others for nothing.
func (i Icon) Small() bool { return i.Sizes == smallIcon || i.Sizes == "any" }

const smallIcon = "48x48"

// Icons are those that a phone may choose from, the touch icon excepted.
func (f *Files) Icons() []Icon {
	drawing, sides := "icon.svg", []int{48, 192, 512}
	switch {
	case f.logo == nil:
	case f.logo.drawing != nil:
		drawing, sides = f.logoFile(), nil
	default:
		drawing = ""
	}
	var list []Icon
	for _, side := range sides {
		n := strconv.Itoa(side)
		list = append(list, Icon{f.URL("icon-" + n + ".png"), "image/png", n + "x" + n})
	}
	if drawing != "" {
		list = append(list, Icon{f.URL(drawing), "image/svg+xml", "any"})
	}
	return list
}

// TouchIcon is what iOS puts on the home screen, which must be a PNG; empty: the logo of the operator is an SVG.
func (f *Files) TouchIcon() string {
	if f.logo != nil && f.logo.drawing != nil {
		return ""
	}
	return f.URL("apple-touch-icon.png")
}

// Colours are those of a scheme that are told outside of app.css: to browsers, and in mails. They are written #rrggbb.
type Colours struct{ Paper, Surface, Accent, OnAccent string }

// ColoursOf are those of the light and of the dark scheme with an accent; nil: ours.
func ColoursOf(accent *Accent) (light, dark Colours) {
	of := func(s scheme, t tones) Colours {
		return Colours{Paper: s.grounds[0].String(), Surface: s.surface.String(), Accent: t.accent.String(), OnAccent: t.on.String()}
	}
	l, d := schemes()
	if accent == nil {
		accent = &Accent{tones{accent: l.accent, on: l.on}, tones{accent: d.accent, on: d.on}}
	}
	return of(l, accent.light), of(d, accent.dark)
}
