package scaleapi

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2015-01-01T00:00:00Z":                   "2015-01-01T00:00:00Z",
		"2015-1-1 0:00Z":                         "2015-01-01T00:00:00Z",
		"2015-01-01T00:00+02":                    "2014-12-31T22:00:00Z",
		"2015-01-01T00:00:00+0230":               "2014-12-31T21:30:00Z",
		"2015-01-01T00:00:00-05:00":              "2015-01-01T05:00:00Z",
		"2015-01-01T00:00:00-00:00":              "2015-01-01T00:00:00Z",
		"2015-01-01T00:00:00.5Z":                 "2015-01-01T00:00:00.500000Z",
		"2015-01-01T00:00:00.123456789012Z":      "2015-01-01T00:00:00.123456Z",
		"2020-02-29T23:59:59.999999999999+00:00": "2020-02-29T23:59:59.999999Z",
		"2020-01-01T00:00:00.000Z":               "2020-01-01T00:00:00Z", // as scale-ui sends it
		"0001-01-01T00:00:00Z":                   "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999Z":            "9999-12-31T23:59:59.999999Z",
		"P":                                      "2026-03-01T12:00:00.123456Z",
		"PT":                                     "2026-03-01T12:00:00.123456Z",
		"PT3H0M0S":                               "2026-03-01T09:00:00.123456Z",
		"PT1.5H":                                 "2026-03-01T10:30:00.123456Z",
		"P1DT1M0.5S":                             "2026-02-28T11:58:59.623456Z",
		"P0.5D":                                  "2026-03-01T00:00:00.123456Z",
		"P700000D":                               "0109-08-18T12:00:00.123456Z",
		"P1D":                                    "2026-02-28T12:00:00.123456Z",
	} {
		got, ok := parseTime(text, now)
		if !ok || stamp(got) != want {
			t.Errorf("%q is %v (%v), want %s", text, stamp(got), ok, want)
		}
	}
	for _, text := range []string{
		"", " ", "hello", "1970-01-01T00:00:00", "1970-01-01T00:00:00z", "1970-01-01", "1970-01-01Z", "1970-01-01T00Z",
		"2015-01-01T00:00:00 00:00", "2015-13-01T00:00Z", "2015-02-29T00:00Z", "2015-01-01T24:00Z", "2015-01-01T00:60Z", "2015-01-01T00:00:60Z",
		"0000-01-01T00:00Z", "12015-01-01T00:00Z", "2015-01-01T00:00:00,5Z", "2015-01-01T00:00:00.Z", "2015-01-01T00:00:00.1234567890123Z",
		"2015-01-01T00:00:00+24:00", "2015-01-01T00:00:00+01:60", "2015-01-01t00:00:00Z", "2015-01-01T00:00:00Z\n", "2015-01-01T00:00:00Z\x00",
		"P1Y", "P1M", "P1W", "-P1D", "P-1D", "p1d", "P1", "PT1", "P1H", "PT1D", "P1.D", "P.5D", "P99999999999D", "P800000D",
		"P" + strings.Repeat("9", 400) + "D", "2015-01-01T00:00:00Z" + strings.Repeat("0", 1000),
	} {
		if got, ok := parseTime(text, now); ok {
			t.Errorf("%.60q is %s, want none", text, got)
		}
	}
}

var documented = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$`)

func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2015-01-01T00:00:00.5Z", "2015-1-1 0:00+02", "2015-01-01T00:00:00-05:00", "PT3H0M0S", "P1.5DT0.1S", "P99999999D"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTime(text, now)
		if !ok {
			return
		}
		if strings.HasPrefix(text, "P") && (got.After(now) || got.Year() < 1) {
			t.Fatalf("%q is %s", text, got)
		}
		if got.Year() < 1 || got.Year() > 9999 {
			return // an offset has led out of what can be written
		}
		again, ok := parseTime(stamp(got), now)
		if !documented.MatchString(stamp(got)) || !ok || !again.Equal(got) {
			t.Fatalf("%q is %s, which reads as %s (%v)", text, stamp(got), again, ok)
		}
	})
}
