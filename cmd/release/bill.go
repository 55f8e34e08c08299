package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeBill writes a bill of materials (CycloneDX 1.6, JSON): the modules that the go command linked into the binary, Go itself, and what
// the server brings from elsewhere.
func (r *release) writeBill(info *debug.BuildInfo, binary, arch string) error {
	sum, err := sumOf(binary)
	if err != nil {
		return err
	}
	bill := cdx.NewBOM()
	main := component(cdx.ComponentTypeApplication, "latchkey", info.Main.Version, "")
	main.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sum)}}
	main.Properties = &[]cdx.Property{{Name: "commit", Value: r.commit}, {Name: "platform", Value: "linux/" + arch}}
	bill.Metadata = &cdx.Metadata{Timestamp: r.date.Format(time.RFC3339), Component: &main}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	components := []cdx.Component{component(cdx.ComponentTypeLibrary, "stdlib", goVersion, "pkg:golang/stdlib@"+goVersion)}
	for _, m := range info.Deps {
		components = append(components, component(cdx.ComponentTypeLibrary, m.Path, m.Version, "pkg:golang/"+m.Path+"@"+m.Version))
	}
	pico, err := r.picoVersion()
	if err != nil {
		return err
	}
	components = append(components, component(cdx.ComponentTypeLibrary, "@picocss/pico", pico, "pkg:npm/%40picocss/pico@"+pico))
	bill.Components = &components
	file, err := os.Create(r.path("linux_%s.cdx.json", arch))
	if err != nil {
		return err
	}
	encoder := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.EncodeVersion(bill, cdx.SpecVersion1_6); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func component(kind cdx.ComponentType, name, version, purl string) cdx.Component {
	reference := purl
	if reference == "" {
		reference = name + "@" + version
	}
	return cdx.Component{BOMRef: reference, Type: kind, Name: name, Version: version, PackageURL: purl}
}

// picoVersion reads which version of the style sheet lies in the checkout: its first comment says it.
func (r *release) picoVersion() (string, error) {
	sheet, err := os.ReadFile(filepath.Join(r.root, "static", "pico.min.css"))
	if err != nil {
		return "", err
	}
	_, after, found := strings.Cut(string(sheet[:min(len(sheet), 500)]), "Pico CSS")
	_, after, dotted := strings.Cut(after, "v")
	fields := strings.Fields(after)
	if !found || !dotted || len(fields) == 0 {
		return "", fmt.Errorf("static/pico.min.css does not say its version")
	}
	return fields[0], nil
}
