package coreshed_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/coreshed/coreshed"
)

// TestAuditActions: each action that is declared is among all of them.
func TestAuditActions(t *testing.T) {
	text, err := os.ReadFile("audit.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`AuditAction = "(.*)"`).FindAllSubmatch(text, -1)
	for _, d := range declared {
		if !slices.Contains(coreshed.AuditActions, coreshed.AuditAction(d[1])) {
			t.Errorf("%s is missing", d[1])
		}
	}
	if len(declared) != len(coreshed.AuditActions) {
		t.Errorf("%d are declared, %d known", len(declared), len(coreshed.AuditActions))
	}
}
