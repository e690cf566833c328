package coreshed_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

// TestKeyOf: cases 44 to 46 and 48.
func TestKeyOf(t *testing.T) {
	if _, err := coreshed.KeyOf(); err == nil { // 44
		t.Error("a key of nothing")
	}
	for _, tt := range []struct {
		parts []string
		want  string
	}{
		{[]string{"test.txt"}, "dd18bf3a8e0a2a3e53e2661c7fb53534"},                           // 45
		{[]string{"test.txt", "test1", "test2"}, "8ff66acfc019330bba973b408c63ad15"},         // 46
		{[]string{"", "test.txt", "", "test1", "test2"}, "8ff66acfc019330bba973b408c63ad15"}, // 48
	} {
		if got, err := coreshed.KeyOf(tt.parts...); err != nil || got != tt.want {
			t.Errorf("KeyOf(%q) = %s, %v; want %s", tt.parts, got, err, tt.want)
		}
	}
}

// TestProductKey: cases 147 and 149 to 151, of the function itself. Of executions
// (148) it knows nothing.
func TestProductKey(t *testing.T) {
	values := func(text string) map[string]json.RawMessage {
		return map[string]json.RawMessage{"b": json.RawMessage(text), "a": json.RawMessage(`"x"`)}
	}
	key := coreshed.ProductKey(7, "out.csv", []string{"bb", "aa"}, values("2.5"))
	if want, _ := coreshed.KeyOf("7", "out.csv", "aa", "bb", "a=x", "b=2.5"); key != want {
		t.Errorf("key %s, want %s", key, want)
	}
	for name, other := range map[string]string{
		"output":   coreshed.ProductKey(7, "out.tif", []string{"aa", "bb"}, values("2.5")), // 147
		"inputs":   coreshed.ProductKey(7, "out.csv", []string{"aa", "bc"}, values("2.5")), // 149
		"job type": coreshed.ProductKey(8, "out.csv", []string{"aa", "bb"}, values("2.5")), // 150
		"values":   coreshed.ProductKey(7, "out.csv", []string{"aa", "bb"}, values("2.6")), // 151
	} {
		if other == key {
			t.Errorf("another of the %s has the same key", name)
		}
	}
	if again := coreshed.ProductKey(7, "out.csv", []string{"aa", "bb"}, values("2.5")); again != key {
		t.Errorf("the order of inputs counts: %s, %s", again, key)
	}
	id := uuid.MustParse("7d0f5c52-3df1-4b0c-8a53-60a0f3a0e1c4")
	if got := coreshed.SourceKey(id); got != "7d0f5c523df14b0c8a5360a0f3a0e1c4" {
		t.Errorf("source key %s", got)
	}
}

// TestProductPath: cases 153 to 155, of the function itself.
func TestProductPath(t *testing.T) {
	now := time.Date(2026, 3, 1, 23, 59, 0, 0, time.FixedZone("", -3600))
	p := coreshed.ProductPlace{JobType: "landsat parse/x", JobVersion: "1.0.0", Now: now, Execution: 12, Name: "a/b.tif"}
	for _, tt := range []struct {
		change func(*coreshed.ProductPlace)
		want   string
	}{
		{func(*coreshed.ProductPlace) {}, "jobs/landsat_parsex/1.0.0/unknown_source_data_time/2026/03/02/job_exe_12/a/b.tif"},
		{func(p *coreshed.ProductPlace) { p.Date = time.Date(2015, 1, 2, 0, 0, 0, 0, time.UTC) },
			"jobs/landsat_parsex/1.0.0/2015/01/02/job_exe_12/a/b.tif"},
		{func(p *coreshed.ProductPlace) { p.RecipeType, p.RecipeRevision = "tile set", 3 },
			"recipes/tile_set/revision_3/jobs/landsat_parsex/1.0.0/unknown_source_data_time/2026/03/02/job_exe_12/a/b.tif"},
	} {
		place := p
		tt.change(&place)
		if got := coreshed.ProductPath(place); got != tt.want {
			t.Errorf("path %s, want %s", got, tt.want)
		}
	}
}
