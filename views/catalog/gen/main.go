// Gen checks the catalogues, writes them in order, and makes the methods of their messages. It runs in the folder of the catalogues
// and prints every fault: the file, the message, and what is wrong.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"latchkey/views/catalog"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	var source *catalog.File
	var others []*catalog.File
	for _, name := range names {
		f, err := read(name)
		switch {
		case err != nil:
			return err
		case f.Language == catalog.Source:
			source = f
		default:
			others = append(others, f)
		}
	}
	if source == nil {
		return fmt.Errorf("%s.json is missing", catalog.Source)
	}
	code, err := catalog.Generate(source)
	faults := []error{err}
	for _, f := range others {
		faults = append(faults, f.Check(source))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "messages.go"), code, 0o644) //nolint:gosec // source code
}

// read parses a catalogue, and writes it back where it is not in order.
func read(name string) (*catalog.File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := catalog.ReadFile(strings.TrimSuffix(filepath.Base(name), ".json"), data)
	if err != nil {
		return nil, err
	}
	sorted, err := catalog.Sorted(data)
	if err != nil {
		return nil, err
	}
	if string(sorted) != string(data) {
		err = os.WriteFile(name, sorted, 0o644) //nolint:gosec // source code
	}
	return f, err
}
