package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"latchkey/web"
)

// validateBrand judges what the settings themselves say of the brand; the logo's file is read when it is needed.
func (s *Settings) validateBrand() error {
	s.BrandName = strings.TrimSpace(s.BrandName)
	for _, c := range []struct {
		name, value string
		check       func(string) error
	}{
		{"LATCHKEY_BRAND_NAME", s.BrandName, web.CheckBrandName},
		{"LATCHKEY_BRAND_ACCENT", s.BrandAccent, func(text string) error { _, err := web.ParseAccent(text); return err }},
		{"LATCHKEY_BRAND_SUPPORT_URL", s.BrandSupportURL, web.CheckSupportURL},
		{"LATCHKEY_BRAND_TERMS_URL", s.BrandTermsURL, web.CheckPageURL},
		{"LATCHKEY_BRAND_PRIVACY_URL", s.BrandPrivacyURL, web.CheckPageURL},
		{"LATCHKEY_BRAND_IMPRINT_URL", s.BrandImprintURL, web.CheckPageURL},
	} {
		if c.value == "" {
			continue
		}
		if err := c.check(c.value); err != nil {
			return settingError(c.name, err)
		}
	}
	return nil
}

// brand is what the settings put in the place of our own name, colour and logo.
func (s *Settings) brand() (web.Brand, error) {
	b := web.Brand{Name: s.BrandName, Support: s.BrandSupportURL, Terms: s.BrandTermsURL, Privacy: s.BrandPrivacyURL, Imprint: s.BrandImprintURL}
	var err error
	if s.BrandAccent != "" {
		if b.Accent, err = web.ParseAccent(s.BrandAccent); err != nil {
			return b, settingError("LATCHKEY_BRAND_ACCENT", err)
		}
	}
	if s.BrandLogo == "" {
		return b, nil
	}
	data, err := readLogo(s.BrandLogo)
	if err == nil {
		b.Logo, err = web.ReadLogo(data)
	}
	if err != nil {
		return b, fmt.Errorf("LATCHKEY_BRAND_LOGO: %s: %w", s.BrandLogo, err)
	}
	return b, nil
}

// readLogo reads no more of a file than a logo may have.
func readLogo(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path stands before it
	}
	if info.IsDir() {
		return nil, errors.New("is a folder; name an SVG or PNG file in it")
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, web.LogoFile+1))
}
