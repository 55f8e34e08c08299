package wire

import (
	"context"
	"net/http"
)

// Info is what is noted of one request.
type Info struct {
	ID      string // of the log, and of the answer's X-Request-Id
	Route   string // the pattern that matched: unlike the path it holds nothing that a client wrote
	Guarded bool   // the route asks for an access token
	Client  string // that acts for itself; empty: none does
}

type infoKey struct{}

// WithInfo gives a request's context the notes that InfoOf returns.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// InfoOf returns the notes of a request, to read and to write; of a request without any, empty ones that are forgotten.
func InfoOf(r *http.Request) *Info {
	if info, ok := r.Context().Value(infoKey{}).(*Info); ok {
		return info
	}
	return &Info{}
}
