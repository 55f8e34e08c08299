package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"latchkey/models"
)

// message is the body of a request.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      any       `json:"data"`
}

// request makes the request that tells a webhook something, signed by its secrets of now.
func (s *Service) request(w models.Webhook, id string, m message) (Request, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return Request{}, err
	}
	now := s.clock.Now()
	secrets := [][]byte{w.Secret}
	if w.FormerUntil != nil && w.FormerUntil.After(now) {
		secrets = append(secrets, w.FormerSecret)
	}
	r := Request{URL: w.URL, ID: id, Timestamp: strconv.FormatInt(now.Unix(), 10), Body: body}
	var signatures []string
	for i, sealed := range secrets {
		secret, _, err := s.sealer.Open([]byte(w.ID), sealed)
		if err != nil && i > 0 { // the former one: the present one is enough
			continue
		}
		if err != nil {
			return Request{}, err
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(secret), secretPrefix))
		if err != nil {
			return Request{}, err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.ID + "." + r.Timestamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	r.Signature = strings.Join(signatures, " ")
	return r, nil
}
