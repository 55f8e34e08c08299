package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	breachPatience = time.Second
	maxBreachRange = 1 << 20 // bytes; a padded range of Have I Been Pwned has some 50,000
)

// breachClient asks the range API at LATCHKEY_BREACH_URL.
type breachClient struct {
	base   string // without a slash at the end
	client *http.Client
}

func newBreachClient(address string) (*breachClient, error) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil { // and the address, which may hold a password, is not repeated
		return nil, errors.New("must be a URL like https://api.pwnedpasswords.com/range, without a user")
	}
	if u.Host == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%q must be an https URL like https://api.pwnedpasswords.com/range (http only for this machine), without a query", address)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // passwords change seldom
	return &breachClient{base: strings.TrimRight(address, "/"), client: &http.Client{
		Timeout: breachPatience, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// lookUp is a password.Range.
func (c *breachClient) lookUp(ctx context.Context, prefix string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/"+prefix, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Add-Padding", "true") // the length of the answer would tell the prefix apart
	request.Header.Set("User-Agent", "Latchkey")
	response, err := c.client.Do(request)
	if err != nil {
		return "", withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the service answers %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxBreachRange+1))
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	if len(text) > maxBreachRange {
		return "", errors.New("the answer is too long")
	}
	return string(text), nil
}

// withoutURL takes the URL out of an error: the log learns no digits of a password's hash.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
