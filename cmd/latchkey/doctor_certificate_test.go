package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// certificateUntil makes a certificate for this machine.
func certificateUntil(t *testing.T, begin, end time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: begin, NotAfter: end, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestDoctorWarnsOfCertificatesThatEndSoon(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		begin, end time.Time
		level      string
		words      []string
	}{
		"long":     {now.Add(-day), now.Add(14*day + time.Hour), levelOK, []string{"leads to this server"}},
		"soon":     {now.Add(-day), now.Add(14*day - time.Hour), levelWarning, []string{"ends in 13 days", now.Add(14*day - time.Hour).UTC().Format(time.DateTime), "Renew"}},
		"tomorrow": {now.Add(-day), now.Add(time.Hour), levelWarning, []string{"ends in 0 days"}},
		"expired":  {now.Add(-2 * day), now.Add(-day), levelProblem, []string{"expired on " + now.Add(-day).UTC().Format(time.DateTime), "Renew"}},
		"early":    {now.Add(day), now.Add(9 * day), levelProblem, []string{"is not valid yet", "clock"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := behindTLS(t, modelstest.MigratedSQLite(t), certificateUntil(t, c.begin, c.end))
			readReport(t, launch(t, settings, "doctor", "--json").end(t, time.Minute)).want(t, "base URL", c.level, c.words...)
		})
	}
}

// The way to an authority that lasts longest counts, and in it the certificate that ends first.
func TestTheEndOfCertificatesIsThatOfTheirBestChain(t *testing.T) {
	at := func(days int) *x509.Certificate {
		return &x509.Certificate{NotAfter: time.Unix(0, 0).Add(time.Duration(days) * day)}
	}
	state := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{at(9), at(2)}, {at(9), at(5), at(7)}, {at(4)}}}
	if got := certificatesEnd(state); !got.Equal(at(5).NotAfter) {
		t.Error(got)
	}
	if got := certificatesEnd(&tls.ConnectionState{}); !got.IsZero() {
		t.Error(got)
	}
	d := &doctor{}
	state.VerifiedChains = [][]*x509.Certificate{{{NotAfter: time.Now().Add(3*day + time.Hour)}}}
	if !d.endsSoon("mail", "mail.example.com:587", state) || d.findings[0].Check != "mail" || d.findings[0].Level != levelWarning {
		t.Errorf("%+v", d.findings)
	}
}

const day = 24 * time.Hour
