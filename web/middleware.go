package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"latchkey/auth/browser"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

const requestTimeout = 12 * time.Second // of reads; writes end by themselves sooner

// requestInfo is what the middleware and the handlers of one request share.
type requestInfo struct {
	wire.Info

	session *browser.Session // of signedIn routes

	unknownClient bool // counted by noteUnknownClient

	printer catalog.Printer // of the language in which the answer speaks
	english bool            // the route has no other
}

type requestKey struct{}

// request is the shared information of a request that observe let in.
func request(r *http.Request) *requestInfo {
	if info, ok := r.Context().Value(requestKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// observe gives the request its id, and logs and measures it when it is done.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		info := &requestInfo{Info: wire.Info{ID: rand.Text()[:16], Route: "unmatched"}, printer: s.english()}
		ctx, cancel := context.WithTimeout(wire.WithInfo(context.WithValue(r.Context(), requestKey{}, info), &info.Info), requestTimeout)
		defer cancel()
		rec := &recorder{ResponseWriter: w}
		w.Header().Set("X-Request-Id", info.ID)
		r = r.WithContext(ctx)
		defer func() {
			took := time.Since(began)
			s.metrics.Served(info.Route, rec.status, took)
			level := slog.LevelInfo
			if info.Route == "GET /static/" || info.Route == "GET /healthz" || info.Route == "GET /readyz" || info.Route == "GET /statuslists/{id}" {
				level = slog.LevelDebug
			}
			attributes := []slog.Attr{
				slog.String("request", info.ID), slog.String("method", r.Method), slog.String("route", info.Route),
				slog.Int("status", rec.status), slog.Duration("took", took.Round(10*time.Microsecond)), slog.Int("bytes", rec.bytes),
			}
			if info.Client != "" { // a backend's: support's looks are events, a backend's reads are lines of the log
				attributes = append(attributes, slog.String("client", info.Client))
			}
			s.log.LogAttrs(ctx, level, "request", attributes...)
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recovered turns a panic into a 500 with nothing of it in the answer.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if err, ok := reason.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(reason)
			}
			s.log.ErrorContext(r.Context(), "panic", "request", request(r).ID, "route", request(r).Route, "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // the answer has begun: cutting it off is all that is left to say
			}
			s.answerByPath(w, r, errors.New("panic"))
		}()
		next.ServeHTTP(w, r)
	})
}

// headers are on every answer, also on one that no handler of ours writes: a redirect of ServeMux, a file, a panic. What
// is no page may load and run nothing.
func (s *Server) headers(next http.Handler) http.Handler {
	common := http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"Cache-Control":                {"no-store"},
		"Content-Security-Policy":      {"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
		"Referrer-Policy":              {"same-origin"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=()"},
	}
	if s.https {
		common.Set("Strict-Transport-Security", "max-age=63072000")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), common) // Set replaces a value, and Add copies it: answers share the values safely
		next.ServeHTTP(w, r)
	})
}

// pageHeaders let a page load our files and send forms to us. An error's page is kept by no one, whatever was wanted.
func pageHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin") // an error's page has forms: they would be sent with "Origin: null" otherwise
}

// compression compresses pages, and nothing that a token stands in. A page holds no secret either, yet who reads the sizes
// of answers that carry a guess of theirs must not learn what else stands there (BREACH): each gets padding by chance.
func compression() (func(http.Handler) http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"text/html"}), gzhttp.EnableZstd(false), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	return func(next http.Handler) http.Handler { return wrap(next) }, nil
}

// limited bounds every body.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, wire.MaxBody)
		next.ServeHTTP(w, r)
	})
}

// named answers only requests for one of these hosts, when there are any. A page of another site can have its own name lead here
// (DNS rebinding): the browser then takes what is served for that site's, and lets it read everything.
func (s *Server) named(hosts []string, next http.Handler) http.Handler {
	if len(hosts) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := (&url.URL{Host: r.Host}).Hostname()
		if !slices.ContainsFunc(hosts, func(host string) bool { return strings.EqualFold(host, name) }) {
			s.answerByPath(w, r, errOtherHost)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errOtherHost = &wire.Error{Status: http.StatusMisdirectedRequest, Code: "misdirected", Message: "This server isn’t available under that name."}

// warnOfForwarding says once that a forwarded address was ignored, because it did not come from a trusted proxy:
// anybody could write one.
func (s *Server) warnOfForwarding(next http.Handler) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" && !s.trustedPeer(r.RemoteAddr) {
			once.Do(func() {
				s.log.WarnContext(r.Context(), "an X-Forwarded-For header from an untrusted address was ignored: name the proxies in LATCHKEY_TRUSTED_PROXIES if there are any")
			})
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) trustedPeer(remote string) bool {
	peer, ok := parseHop(remote)
	return ok && s.proxies.trust(peer)
}
