package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"latchkey/auth/webhook"
)

// maxAnswer is how much of the answer of an operator's system is read, so that its connection can be used again. Nothing in it matters.
const maxAnswer = 64 << 10 // bytes

// outbound sends logout tokens and webhooks. The operator registered the URLs, so they may lead to private addresses, and to http on
// this machine.
type outbound struct{ client *http.Client }

func newOutbound(patience time.Duration) *outbound {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxAnswer
	return &outbound{&http.Client{
		Timeout: patience, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // what is sent goes only where the operator said
	}}
}

// logoutToken is a logout.Post.
func (o *outbound) logoutToken(ctx context.Context, uri, token string) (status int, err error) {
	form := url.Values{"logout_token": {token}}.Encode()
	return o.post(ctx, uri, []byte(form), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// webhook is a webhook.Post.
func (o *outbound) webhook(ctx context.Context, r webhook.Request) (status int, err error) {
	return o.post(ctx, r.URL, r.Body, http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {r.ID}, "Webhook-Timestamp": {r.Timestamp}, "Webhook-Signature": {r.Signature},
	})
}

func (o *outbound) post(ctx context.Context, uri string, body []byte, header http.Header) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = header
	request.Header.Set("User-Agent", "Latchkey")
	response, err := o.client.Do(request)
	if err != nil {
		return 0, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return response.StatusCode, nil
}
