package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// The limits of what a backend keeps with an account.
const (
	MaxExternalID = 200     // characters
	MaxMetadata   = 4 << 10 // bytes, as compact JSON
)

// ProblemWithExternalID returns why an account cannot have this id of the backend's own, as a sentence, or "".
func ProblemWithExternalID(id string) string {
	if id == "" {
		return "This is required."
	}
	if strings.TrimSpace(id) != id {
		return "Remove the spaces around it."
	}
	return ProblemWithText(id, MaxExternalID)
}

// CompactMetadata returns metadata as they are stored, or what is wrong with them. Nothing, null and an empty object are stored as nothing.
func CompactMetadata(given json.RawMessage) (stored json.RawMessage, problem string) {
	given = bytes.TrimSpace(given)
	if len(given) == 0 || string(given) == "null" {
		return nil, ""
	}
	var compact bytes.Buffer
	if given[0] != '{' || json.Compact(&compact, given) != nil {
		return nil, "This must be a JSON object."
	}
	if json.Unmarshal(given, new(any)) != nil { // a number that no program could read
		return nil, "This has a number that is too large."
	}
	if compact.Len() > MaxMetadata {
		return nil, fmt.Sprintf("This is %d bytes of JSON; at most %d are kept.", compact.Len(), MaxMetadata)
	}
	if compact.String() == "{}" {
		return nil, ""
	}
	return compact.Bytes(), ""
}
