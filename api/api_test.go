package api

import "testing"

func TestLoad(t *testing.T) {
	doc, err := Load(EvoFileV2)
	if err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("document is OpenAPI %s, want 3.1", doc.OpenAPI)
	}
}
