package main

import (
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints the version, and what it was built from.
func (versionCmd) Run(a *app) error {
	row := struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				row.Revision = s.Value
			}
		}
	}
	return fields(a, row, field{"version", row.Version}, field{"revision", row.Revision}, field{"go", row.Go}, field{"platform", row.Platform})
}
