// Package reference holds code that developers of apps copy. Tests compile it and run it against the server.
package reference

import (
	"embed"
	"path"
)

//go:embed latchkey.ts latchkey/*.go
var files embed.FS

var names = []string{"latchkey.ts", "latchkey/client.go", "latchkey/signin.go", "latchkey/dpop.go", "latchkey/store.go"}

// File returns the text of a file by its base name, such as client.go.
func File(name string) (text []byte, ok bool) {
	for _, file := range names {
		if path.Base(file) == name {
			text, err := files.ReadFile(file)
			return text, err == nil
		}
	}
	return nil, false
}
