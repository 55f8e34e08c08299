package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"latchkey/auth/logout"
)

// maxLogoutAnswer is how much of a client's answer is read, so that its connection can be used again. Nothing in it matters.
const maxLogoutAnswer = 64 << 10 // bytes

// logoutClient sends logout tokens to the back-channel logout URIs of clients. The operator registered them, so they may lead to private
// addresses, and to http on this machine.
type logoutClient struct{ client *http.Client }

func newLogoutClient() *logoutClient {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxLogoutAnswer
	return &logoutClient{&http.Client{
		Timeout: logout.PostTime, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a token goes only where the operator said
	}}
}

// post is a logout.Post.
func (c *logoutClient) post(ctx context.Context, uri, token string) (status int, err error) {
	form := url.Values{"logout_token": {token}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "Latchkey")
	response, err := c.client.Do(request)
	if err != nil {
		return 0, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, maxLogoutAnswer)
	return response.StatusCode, nil
}
