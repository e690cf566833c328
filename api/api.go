// Package api holds the documents that describe the server's HTTP interfaces.
// They are the promise: tests check every answer against them, and the server
// hands them out to its users.
package api

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/getkin/kin-openapi/openapi3"
)

// FS holds the OpenAPI 3.1 documents, one file for each family of interfaces.
//
//go:embed *.yaml
var FS embed.FS

// EvoFileV2 names the document of the Evo File API v2 and of what its clients
// need around it: discovery, workspaces, signed blob URLs, sign-in, health.
const EvoFileV2 = "evo-file-v2.yaml"

// CoreshedV1 names the document of Coreshed's own interface: runs, versions and
// lineage.
const CoreshedV1 = "coreshed-v1.yaml"

// ScaleV6 names the document of Scale's file services.
const ScaleV6 = "scale-v6.yaml"

// OpenLineage names the document of the interface for OpenLineage events.
const OpenLineage = "openlineage.yaml"

// Names returns the names of all documents.
func Names() ([]string, error) {
	names, err := fs.Glob(FS, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list API documents: %w", err)
	}
	return names, nil
}

// Load reads and validates the document called name in FS. It takes some tens
// of milliseconds; keep the result.
func Load(name string) (*openapi3.T, error) {
	data, err := FS.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read API document: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validate %s: %w", name, err)
	}
	return doc, nil
}
