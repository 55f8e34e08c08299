package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// renewalTime is how long before its end a certificate should have been replaced: authorities and their clients do it 30 days before.
const renewalTime = 14 * 24 * time.Hour

// endsSoon warns of a certificate that ends within renewalTime, and reports whether it did. state is of the connection to host; nil: without TLS.
func (d *doctor) endsSoon(check, host string, state *tls.ConnectionState) bool {
	end := certificatesEnd(state)
	left := time.Until(end)
	if end.IsZero() || left > renewalTime {
		return false
	}
	d.warn(check, fmt.Sprintf("the certificate of %s ends in %s, on %s", host, counted(int(left/(24*time.Hour)), "day"), end.UTC().Format(time.DateTime+" UTC")),
		"Renew it, and let the server that presents it read it again. If it is renewed by itself, find out why it was not: that happens a month before, as a rule.")
	return true
}

// certificatesEnd returns when the first of the certificates ends that verified a connection; the zero time: none did. Of several ways
// to an authority the one that lasts longest counts.
func certificatesEnd(state *tls.ConnectionState) (end time.Time) {
	if state == nil {
		return end
	}
	for _, chain := range state.VerifiedChains {
		first := chain[0].NotAfter
		for _, certificate := range chain[1:] {
			if certificate.NotAfter.Before(first) {
				first = certificate.NotAfter
			}
		}
		if first.After(end) {
			end = first
		}
	}
	return end
}

// certificateFault says what is wrong with a certificate.
func certificateFault(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "is from an unknown authority"
	case errors.As(err, new(x509.HostnameError)):
		return "is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().After(invalid.Cert.NotAfter):
		return "expired on " + invalid.Cert.NotAfter.UTC().Format(time.DateTime+" UTC")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "is not valid yet"
	}
	return "is not valid"
}

// certificateRemedy says what to do about it.
func certificateRemedy(err error) string {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return "Renew it, and let the proxy read it again. If the date is right, set the clock of this machine by NTP."
	}
	return "Give the proxy a certificate for this name from an authority that clients know, and its intermediate certificates."
}
