package views

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"latchkey/views/catalog"
)

// SampleBrand is an operator's brand with everything that there can be; its logo is our icon.
func SampleBrand(assets Assets) Brand {
	b := Brand{Support: "mailto:help@brand.example", Terms: "https://brand.example/terms", Privacy: "https://brand.example/privacy", Imprint: "https://brand.example/imprint"}
	for _, i := range assets.Icons {
		b.Logo = &Logo{URL: i.URL, Width: 36, Height: 36}
	}
	return b
}

// brands are a few pages of operators who gave the service a name, and more.
func (g gallery) brands() []State {
	var states []State
	add := func(name, brand, page string, part func(gallery) []State, change func(*Brand)) {
		own := g
		own.say, own.brand = g.say.Named(brand), SampleBrand(g.assets)
		if change != nil {
			change(&own.brand)
		}
		for _, s := range part(own) {
			if s.Name == page {
				states = append(states, State{"brand/" + name, called(brand, s.Component)})
			}
		}
	}
	plain := func(b *Brand) { b.Logo = nil }
	wide := func(b *Brand) {
		if b.Logo != nil {
			b.Logo.Wide = true
		}
	}
	add("sign-in", sampleName, "login/passkey", gallery.signedOut, nil)
	add("sign-in, a word for a logo", sampleName, "login/empty", gallery.signedOut, wide)
	add("sign-up, terms and privacy", hostile, "signup/empty", gallery.signedOut, plain)
	add("sign-up, terms alone", emoji, "signup/refused", gallery.signedOut, func(b *Brand) { *b = Brand{Terms: b.Terms} })
	add("sign-up, privacy alone", longWord, "signup/empty", gallery.signedOut, func(b *Brand) { *b = Brand{Privacy: b.Privacy, Support: "https://brand.example/help"} })
	add("error", rightToLeft, "error/nothing here, signed out", gallery.errors, plain)
	add("locked", longWords, "locked/by an alarm", gallery.links, nil)
	add("no mail", sampleName, "forgot/no mail", gallery.links, nil)
	add("devices", sampleName, "devices/a few", gallery.devices, nil)
	add("devices, a long name", longWord, "devices/a few", gallery.devices, nil)
	add("devices, without a logo", longWords, "devices/a few", gallery.devices, plain)
	add("recovery codes", sampleName, "codes/shown", gallery.factors, wide)
	return states
}

// sampleName is of a brand, as SampleBrand is.
const sampleName = "Müller & Söhne"

// called speaks with the name of a brand, in whatever language the page is shown.
func called(brand string, page templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return page.Render(catalog.With(ctx, catalog.From(ctx).Named(brand)), w)
	})
}
