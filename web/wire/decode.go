package wire

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

// MaxBody is how many bytes of a body are read; the messages say it, too.
const MaxBody = 64 << 10

// Params are the wanted members of a request body, by name: texts, and the JSON of objects. A member that is absent, null or empty
// is "".
type Params map[string]string

// Decode reads the body once, as one of the media types that the endpoint takes, and keeps the wanted members. They are texts, but for
// those whose wanted name ends with ObjectMark.
// Members that it does not know are ignored, repeated or not; wrong types, known members that are repeated, data behind the
// end, bodies over 64 KiB, compressed bodies and other media types are refused.
func Decode(r *http.Request, mediaTypes []string, wanted ...string) (Params, error) {
	if err := inBodyOnly(r, wanted); err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return body.decode(r, mediaTypes, wanted)
}

// bodyOnly are members that must never be in a URL, where proxies log them. Others are ignored there.
var bodyOnly = []string{"installation_id", "old_refresh_token"}

// inBodyOnly refuses a request whose URL has one of the wanted members that belong in the body.
func inBodyOnly(r *http.Request, wanted []string) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	query := r.URL.Query()
	for _, name := range bodyOnly {
		if query.Has(name) && slices.Contains(wanted, name) {
			return BadBody(name+" goes into the body, never into a URL.", nil)
		}
	}
	return nil
}

// DecodeQuery reads the wanted parameters of a URL's query, and refuses those that are repeated.
func DecodeQuery(r *http.Request, wanted ...string) (Params, error) {
	return decodeForm([]byte(r.URL.RawQuery), wanted)
}

// DecodeOptional is Decode for endpoints whose body may be left out: an empty one and a JSON null say nothing either.
func DecodeOptional(r *http.Request, mediaTypes []string, wanted ...string) (Params, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark))
	if len(text) == 0 {
		return Params{}, nil
	}
	if mediaType, _, err := mediaTypeOf(r, mediaTypes); err == nil && mediaType == JSONType && string(text) == "null" {
		return Params{}, nil
	}
	return body.decode(r, mediaTypes, wanted)
}

// rawBody is a body as it came.
type rawBody []byte

// readBody reads a body to its end. A compressed one is refused (RFC 9110 §15.5.16): 64 KiB of it may be anything.
func readBody(r *http.Request) (rawBody, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	for _, coding := range r.Header.Values("Content-Encoding") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") && len(body) > 0 {
			return nil, &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", AcceptEncoding: "identity",
				Message: "The request body is compressed. Send it without Content-Encoding."}
		}
	}
	return body, nil
}

func (body rawBody) decode(r *http.Request, mediaTypes, wanted []string) (Params, error) {
	mediaType, charset, err := mediaTypeOf(r, mediaTypes)
	if err != nil {
		return nil, err
	}
	switch {
	case charset == anyASCII && !isASCII(body):
		return nil, wrongMediaType(mediaTypes, nil)
	case !utf8.Valid(body):
		return nil, BadBody("The request body isn’t valid UTF-8.", nil)
	}
	text := bytes.TrimPrefix(body, byteOrderMark) // RFC 8259 §8.1 lets a parser ignore it, and no name of a form begins with it
	if mediaType == FormType {
		return decodeForm(bytes.TrimRight(text, "\r\n"), wanted) // a form cannot hold them: what sent the file added them
	}
	return decodeJSON(text, wanted)
}

var byteOrderMark = []byte("\ufeff")

func isASCII(body []byte) bool {
	return !slices.ContainsFunc(body, func(c byte) bool { return c >= utf8.RuneSelf })
}

// charset is what the charset parameter of a media type means for a body.
type charset int

const (
	anyUTF8  charset = iota // UTF-8, or no charset, which means the same here
	anyASCII                // a charset whose first half is ASCII: a body in ASCII is the same text in UTF-8
	otherCharset
)

// charsetOf reads a charset parameter. JSON has none, and one that is sent means nothing (RFC 8259 §11); forms are UTF-8 (RFC 6749
// appendix B). What clients add by themselves is therefore taken for as long as it leaves no doubt about the text.
func charsetOf(name string) charset {
	name = strings.NewReplacer("-", "", "_", "", ".", "", ":", "", "'", "", " ", "").Replace(strings.ToLower(name))
	if name == "" || name == "utf8" {
		return anyUTF8
	}
	for _, begin := range []string{"ascii", "usascii", "ansix341968", "iso8859", "latin", "windows125", "cp125", "koi8", "gb", "big5", "euc"} {
		if strings.HasPrefix(name, begin) {
			return anyASCII
		}
	}
	return otherCharset
}

// mediaTypeOf is the body's media type, which must be one of those given, and what its charset is.
func mediaTypeOf(r *http.Request, mediaTypes []string) (string, charset, error) {
	named := r.Header.Get("Content-Type")
	if slices.Contains(mediaTypes, named) {
		return named, anyUTF8, nil
	}
	mediaType, options, err := mime.ParseMediaType(named)
	if errors.Is(err, mime.ErrInvalidMediaParameter) { // "; charset=": the type is good
		err = nil
	}
	set := charsetOf(options["charset"])
	if err != nil || !slices.Contains(mediaTypes, mediaType) || set == otherCharset {
		return "", set, wrongMediaType(mediaTypes, err)
	}
	return mediaType, set, nil
}

func wrongMediaType(mediaTypes []string, cause error) error {
	return &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Cause: cause,
		Message: fmt.Sprintf("The request body must be %s, in UTF-8.", strings.Join(mediaTypes, " or "))}
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "payload_too_large", Message: "What you entered is larger than 64 KiB. Shorten it and try again.", Cause: err}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Error{Status: http.StatusRequestTimeout, Code: "request_timeout", OAuth: "temporarily_unavailable",
			Message: "The request took too long to arrive. Please try again.", Cause: err}
	}
	return BadBody("The request was cut off. Please try again.", err)
}

// BadBody is the refusal of a body that cannot be understood: 400 with the message, which the client reads. The cause is for the log; nil:
// the message says it all.
func BadBody(message string, cause error) error {
	return &Error{Status: http.StatusBadRequest, Code: "invalid_request", Message: message, Cause: cause}
}

func decodeForm(body []byte, wanted []string) (Params, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, BadBody("The request body isn’t a well-formed form.", nil) // the cause would repeat a part of the body
	}
	p := Params{}
	for name, list := range values {
		switch {
		case !slices.Contains(wanted, name): // RFC 6749 §3.2: unrecognised parameters must be ignored
		case len(list) > 1: // the same: parameters must not be included more than once
			return nil, BadBody(fmt.Sprintf("The parameter %q was sent more than once.", name), nil)
		case !utf8.ValidString(list[0]):
			return nil, BadBody(fmt.Sprintf("The parameter %q isn’t valid UTF-8.", name), nil)
		default:
			p[name] = list[0]
		}
	}
	return p, nil
}

// decodeJSON reads one JSON object. It goes member by member, because encoding/json alone would take the last of
// repeated members and match names in any case: two readers of one body could then see two different requests.
func decodeJSON(body []byte, wanted []string) (Params, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, BadBody("The request body must be one JSON object.", nil)
	}
	p, seen := Params{}, map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, BadBody("The request body is not well-formed JSON.", nil)
		}
		var value json.RawMessage // not read yet: of a member that is not wanted nothing but its form matters
		if err := d.Decode(&value); err != nil {
			return nil, BadBody("The request body is not well-formed JSON.", nil)
		}
		isObject := slices.Contains(wanted, name+ObjectMark)
		if !isObject && (strings.HasSuffix(name, ObjectMark) || !slices.Contains(wanted, name)) {
			continue
		}
		if seen[name] {
			return nil, BadBody(fmt.Sprintf("The member %q is repeated.", name), nil)
		}
		if seen[name] = true; string(value) == "null" {
			continue
		}
		if isObject {
			if err := checkObject(name, value); err != nil {
				return nil, err
			}
			p[name] = string(value)
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			return nil, BadBody(fmt.Sprintf("The member %q must be a string.", name), nil)
		}
		p[name] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, BadBody("The request body is not well-formed JSON.", nil)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, BadBody("There is data behind the end of the JSON object.", nil)
	}
	return p, nil
}
