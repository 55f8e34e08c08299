package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

const formType = "application/x-www-form-urlencoded"

// params are the text members of a request body, by name. A member that is absent, null or empty is "".
type params map[string]string

// decode reads the body once, as one of the media types that the endpoint takes, and keeps the wanted members.
// Members it does not know are ignored; wrong types, repeated members, data behind the end, bodies over 64 KiB and
// other media types are refused.
func decode(r *http.Request, mediaTypes []string, wanted ...string) (params, error) {
	mediaType, err := mediaTypeOf(r, mediaTypes)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	if !utf8.Valid(body) {
		return nil, badBody("The body is not valid UTF-8.", nil)
	}
	if mediaType == formType {
		return decodeForm(body, wanted)
	}
	return decodeJSON(body, wanted)
}

// mediaTypeOf is the body's media type, which must be one of those given.
func mediaTypeOf(r *http.Request, mediaTypes []string) (string, error) {
	named := r.Header.Get("Content-Type")
	if slices.Contains(mediaTypes, named) {
		return named, nil
	}
	mediaType, options, err := mime.ParseMediaType(named)
	charset := options["charset"]
	if err != nil || !slices.Contains(mediaTypes, mediaType) || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", &httpError{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", cause: err,
			message: "The body must be " + strings.Join(mediaTypes, " or ") + ", in UTF-8."}
	}
	return mediaType, nil
}

// decodeOptional is decode for endpoints whose body may be left out altogether.
func decodeOptional(r *http.Request, mediaTypes []string, wanted ...string) (params, error) {
	if r.ContentLength == 0 || r.Body == http.NoBody {
		return params{}, nil
	}
	return decode(r, mediaTypes, wanted...)
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &httpError{status: http.StatusRequestEntityTooLarge, code: "payload_too_large", message: "The body is larger than 64 KiB.", cause: err}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &httpError{status: http.StatusRequestTimeout, code: "request_timeout", oauth: "temporarily_unavailable",
			message: "The body did not arrive in time.", cause: err}
	}
	return badBody("The body could not be read to its end.", err)
}

func badBody(message string, cause error) error {
	return &httpError{status: http.StatusBadRequest, code: "invalid_request", message: message, cause: cause}
}

func decodeForm(body []byte, wanted []string) (params, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badBody("The body is not a well-formed form.", nil) // the cause would repeat a part of the body
	}
	p := params{}
	for name, list := range values {
		if len(list) > 1 {
			return nil, badBody(repeated("parameter", name, wanted), nil)
		}
		if slices.Contains(wanted, name) {
			if !utf8.ValidString(list[0]) {
				return nil, badBody(fmt.Sprintf("The parameter %q is not valid UTF-8.", name), nil)
			}
			p[name] = list[0]
		}
	}
	return p, nil
}

// repeated names what is repeated only when the name is one of ours: another one may be anything, a token too.
func repeated(what, name string, wanted []string) string {
	if slices.Contains(wanted, name) {
		return fmt.Sprintf("The %s %q is repeated.", what, name)
	}
	return fmt.Sprintf("A %s is repeated.", what)
}

// decodeJSON reads one JSON object. It goes member by member, because encoding/json alone would take the last of
// repeated members and match names in any case: two readers of one body could then see two different requests.
func decodeJSON(body []byte, wanted []string) (params, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, badBody("The body must be one JSON object.", nil)
	}
	p, seen := params{}, map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, badBody("The body is not well-formed JSON.", nil)
		}
		var value json.RawMessage // not read yet: of a member that is not wanted nothing but its form matters
		if err := d.Decode(&value); err != nil {
			return nil, badBody("The body is not well-formed JSON.", nil)
		}
		if seen[name] {
			return nil, badBody(repeated("member", name, wanted), nil)
		}
		seen[name] = true
		if string(value) == "null" || !slices.Contains(wanted, name) {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			return nil, badBody(fmt.Sprintf("The member %q must be a string.", name), nil)
		}
		p[name] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, badBody("The body is not well-formed JSON.", nil)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badBody("There is data behind the end of the JSON object.", nil)
	}
	return p, nil
}

// decodePage reads a form of the portal.
func decodePage(r *http.Request, wanted ...string) (params, error) {
	return decode(r, []string{formType}, wanted...)
}

// localPath is a path to go on to after sign-in, or "" when it would lead to another site. Browsers read "//host",
// "/\host" and "/<tab>/host" as other sites.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") ||
		strings.ContainsAny(s, "\\") || strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c == 0x7f }) || len(s) > 1024 {
		return ""
	}
	return s
}
