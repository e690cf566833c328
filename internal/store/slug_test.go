package store_test

import (
	"strings"
	"testing"

	"github.com/coreshed/coreshed/internal/store"
)

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"Workspace Title": "workspace-title", "  a -- b\t\tc ": "a-b-c", "Ärger_1 über!": "arger-1-uber", "x_y": "x-y",
		"???": "", "": "", "日本": "", "a/b\\c": "abc", strings.Repeat("ab ", 20): strings.Repeat("ab-", 10), "-a": "-a",
	} {
		if got := store.Slug(title); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}
