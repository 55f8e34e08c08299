package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// checkBaseURL asks for the server where people find it, through its proxy.
func (d *doctor) checkBaseURL(ctx context.Context) {
	const check = "base URL"
	base := d.settings.origin(nil)
	u, err := url.Parse(base)
	if err != nil {
		d.problem(check, "it cannot be read", "Set LATCHKEY_BASE_URL to the public origin, like https://id.example.com.")
		return
	}
	switch {
	case d.settings.BaseURL == "":
		d.warn(check, "LATCHKEY_BASE_URL is not set: links in mails lead to "+base, "Set it to the public origin, like https://id.example.com.")
	case u.Scheme != "https" && !isLoopback(u.Hostname()):
		d.problem(check, base+" is not https: passwords cross the network in clear, and browsers offer no passkeys", "Put a proxy with TLS before the server, and set LATCHKEY_BASE_URL to https.")
	}
	for _, step := range []func(context.Context, string) *finding{d.askHealth, d.askMetadata, d.askKeys} {
		if f := step(ctx, base); f != nil {
			d.problem(check, f.Says, f.Do)
			return
		}
	}
	if !d.endsSoon(check, u.Host, d.presented) {
		d.ok(check, base+" leads to this server")
	}
}

// anotherServer is what to do when something else answers.
const anotherServer = "See that DNS and the proxy's rules lead to this server, for every path. It listens at LATCHKEY_ADDR."

// askHealth returns nil when a server of ours answers at a base URL.
func (d *doctor) askHealth(ctx context.Context, base string) *finding {
	var answer struct{ Status string }
	if f := d.fetchJSON(ctx, base+"/healthz", &answer); f != nil {
		return f
	}
	if answer.Status != "ok" {
		return &finding{Says: "another server answers at " + base + "/healthz", Do: anotherServer}
	}
	return nil
}

// askMetadata returns nil when the server at a base URL has the issuer and the base URL of the settings.
func (d *doctor) askMetadata(ctx context.Context, base string) *finding {
	var answer struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if f := d.fetchJSON(ctx, base+"/.well-known/openid-configuration", &answer); f != nil {
		return f
	}
	const do = "Start the server again with the present settings. If you did, another server answers: look at DNS and the proxy."
	if answer.Issuer != d.issuer() {
		return &finding{Says: fmt.Sprintf("the server at %s has the issuer %.200q, the settings have %q", base, answer.Issuer, d.issuer()), Do: do}
	}
	if !strings.HasPrefix(answer.TokenEndpoint, base+"/") {
		return &finding{Says: fmt.Sprintf("the server at %s has another base URL: its token endpoint is %.200q", base, answer.TokenEndpoint), Do: do}
	}
	return nil
}

// askKeys returns nil when the server at a base URL publishes a signing key of the database, or when no key could be read there.
func (d *doctor) askKeys(ctx context.Context, base string) *finding {
	if len(d.published) == 0 {
		return nil
	}
	var answer struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if f := d.fetchJSON(ctx, base+"/.well-known/jwks.json", &answer); f != nil {
		return f
	}
	for _, key := range answer.Keys {
		if slices.Contains(d.published, key.ID) {
			return nil
		}
	}
	return &finding{Says: "the server at " + base + " signs with other keys than those of this database", Do: "It uses another database: compare its LATCHKEY_DATABASE with the present one."}
}

// fetchJSON reads a JSON document, or returns what is in the way.
func (d *doctor) fetchJSON(ctx context.Context, address string, into any) *finding {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return &finding{Says: "no request can be made of " + address, Do: "Correct LATCHKEY_BASE_URL."}
	}
	request.Header.Set("User-Agent", "Latchkey doctor")
	client := newOutbound(doctorPatience).client
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return unreached(request.URL, withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	d.presented = response.TLS
	status := response.StatusCode
	switch {
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return &finding{Says: fmt.Sprintf("a proxy answers at %s with %d: it does not reach the server", address, status), Do: "Start latchkey serve, and see that the proxy passes requests on to LATCHKEY_ADDR."}
	case status >= 300 && status < 400:
		to, _ := response.Location() // without its query, which may hold a secret
		if to == nil {
			to = &url.URL{}
		}
		return &finding{Says: fmt.Sprintf("%s redirects to %s://%s", address, to.Scheme, to.Host), Do: "Set LATCHKEY_BASE_URL to the origin where people end up, or let the proxy pass the request on."}
	case status != http.StatusOK:
		return &finding{Says: fmt.Sprintf("another server answers at %s, with %d", address, status), Do: anotherServer}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(into); err != nil {
		if ctx.Err() != nil {
			return unreached(request.URL, ctx.Err())
		}
		return &finding{Says: "another server answers at " + address + ": that is not JSON", Do: anotherServer}
	}
	return nil
}

// unreached tells apart why there is no answer.
func unreached(u *url.URL, err error) *finding {
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return &finding{Says: "DNS does not know " + u.Hostname(), Do: "Make an A or AAAA record for it, or correct LATCHKEY_BASE_URL."}
	case errors.As(err, &lookup):
		return &finding{Says: "DNS does not answer for " + u.Hostname(), Do: "See which name server this machine asks (/etc/resolv.conf)."}
	case errors.As(err, &certificate):
		return &finding{Says: "the certificate of " + u.Host + " " + certificateFault(certificate.Err), Do: certificateRemedy(certificate.Err)}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &finding{Says: fmt.Sprintf("no answer from %s within %s", u.Host, doctorPatience),
			Do: "See that the firewall is open. Some routers do not lead a machine to its own public IP address: then run the check from outside with curl " + u.String()}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &finding{Says: "the connection to " + u.Host + " is refused: nothing listens there", Do: "Start latchkey serve and the proxy, or correct LATCHKEY_BASE_URL."}
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, new(tls.RecordHeaderError)):
		return &finding{Says: u.Host + " does not speak TLS", Do: "Let the proxy end TLS at this port, or correct LATCHKEY_BASE_URL."}
	}
	return &finding{Says: "the connection to " + u.Host + " failed: " + err.Error(), Do: "See that the server, the proxy and the network between work."}
}
