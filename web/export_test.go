package web

import "net/http"

// SignedInAs is the account in the cookie of a browser that is signed in at a server with this secret, as forms name it; "": none is.
func SignedInAs(secret []byte, https bool, kept []*http.Cookie) string {
	c, err := newCookies(Config{Secret: secret}, https, 0)
	if err != nil {
		return ""
	}
	r := &http.Request{Header: http.Header{}}
	for _, cookie := range kept {
		r.AddCookie(cookie)
	}
	key, ok := c.key(r)
	if !ok {
		return ""
	}
	return key.UserID.String()
}
