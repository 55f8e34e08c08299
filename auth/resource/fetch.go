package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"latchkey/auth/origin"
)

const maxRedirects = 3

// get fetches a document of at most most bytes, after decompression.
func (v *Verifier) get(ctx context.Context, from, accept string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, v.config.FetchTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	answer, err := v.config.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // nothing was written
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", from, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", from, err)
	case int64(len(body)) > most:
		return nil, fmt.Errorf("%s: longer than %d bytes", from, most)
	}
	return body, nil
}

// withinOrigin follows redirects of the issuer to its own origin only. The issuer must not choose where else this server sends
// requests.
func withinOrigin(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return errors.New("too many redirects")
	case origin.Of(next.URL) != origin.Of(via[0].URL):
		return errors.New("a redirect to another origin is not followed")
	}
	return nil
}
