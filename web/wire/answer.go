package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// FormType and JSONType are the media types of bodies.
const (
	FormType = "application/x-www-form-urlencoded"
	JSONType = "application/json"
)

// PublicMaxAge is the Cache-Control of what everybody may read and only a new version of this program changes.
const PublicMaxAge = "public, max-age=300"

// WriteJSON writes an answer that is complete, or none at all: it returns an error when the answer cannot be encoded.
func WriteJSON(w http.ResponseWriter, status int, mediaType string, answer any) error {
	b, _ := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(b)
	b.Reset()
	if err := json.NewEncoder(b).Encode(answer); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	return nil
}

// bodies are buffers of answers.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}
