package evoapi

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

func at(t time.Time) *int64 {
	micros := t.UnixMicro()
	return &micros
}

func TestTimes(t *testing.T) {
	noon := time.Date(2023, 3, 10, 12, 0, 0, 0, time.UTC)
	second := coreshed.TimeRange{From: at(noon), Until: at(noon.Add(time.Second))}
	for value, want := range map[string]coreshed.TimeRange{
		"2023-03-10T12:00:00Z":              second,
		"2023-03-10T12:00:00":               second,
		"2023-03-10 12:00:00":               second,
		"2023-03-10t12:00:00z":              second,
		"2023-03-11T01:00:00+13:00":         second,
		"2023-03-11T01:00:00 13:00":         second,
		"2023-03-11 01:00:00 13:00":         second,
		"2023-03-10T09:30:00-02:30":         second,
		"2023-03-10T09:30:00-0230":          second,
		"2023-03-10T10:00:00-02":            second,
		"2023-03-10T12:00Z":                 {From: at(noon), Until: at(noon.Add(time.Minute))},
		"2023-03-10":                        {From: at(noon.Add(-12 * time.Hour)), Until: at(noon.Add(12 * time.Hour))},
		"2023-03-10T12:00:00.0Z":            {From: at(noon), Until: at(noon.Add(time.Microsecond))},
		"2023-03-10T12:00:00.000000999Z":    {From: at(noon), Until: at(noon.Add(time.Microsecond))},
		"lt:2023-03-10T12:00:00Z":           {Until: at(noon)},
		"lte:2023-03-10T12:00:00Z":          {Until: at(noon.Add(time.Microsecond))},
		"gt:2023-03-10T12:00:00Z":           {From: at(noon.Add(time.Microsecond))},
		"gte:2023-03-10T12:00:00Z":          {From: at(noon)},
		"gte:2023-03-10T12:00:00.000000001": {From: at(noon.Add(time.Microsecond))},
		"lt:2023-03-10T12:00:00.000000001":  {Until: at(noon.Add(time.Microsecond))},
		"gt:2023-03-11T01:00:00 13:00":      {From: at(noon.Add(time.Microsecond))},
	} {
		got, err := times(url.Values{"created_at": {value}}, "created_at")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %s %v", value, diff, err)
		}
	}
}

func FuzzListQuery(f *testing.F) {
	for _, seed := range []string{
		"limit=20&offset=10&deleted=False&file_name=x.csv", "created_at=gte:2023-03-10T22:56:53Z&created_at=lt:2023-04-01T00:00:00Z",
		"modified_at=2023-03-10T00:00:00+13:00", "order_by=order_by=modified_at,desc:created_at", "author=x", "a;b=c&%zz=%zz",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := web.Query(raw)
		if err != nil {
			if coreshed.KindOf(err) != coreshed.BadRequest {
				t.Fatal(err)
			}
			return
		}
		filter, order, page, err := filesWanted(q)
		if err != nil {
			if coreshed.KindOf(err) != coreshed.Invalid {
				t.Fatal(err)
			}
			return
		}
		if page.Limit < 1 || page.Limit > maxListed || page.Offset < 0 || len(order) > 3 {
			t.Errorf("%q reads as %+v %v %+v", raw, filter, order, page)
		}
	})
}

// A time that is printed is read as itself.
func FuzzTimes(f *testing.F) {
	f.Add("gte:2023-03-10T22:56:53Z", int64(1678489013123456))
	f.Add("2023-03-10T00:00:00 13:00", int64(0))
	f.Add("lt:0000-01-01", int64(-62167219200000000))
	f.Fuzz(func(t *testing.T, value string, micros int64) {
		if _, err := times(url.Values{"x": {value}}, "x"); err != nil && coreshed.KindOf(err) != coreshed.Invalid {
			t.Fatal(err)
		}
		when := time.UnixMicro(micros).UTC()
		if when.Year() < 0 || when.Year() > 9999 {
			return
		}
		got, err := times(url.Values{"x": {timestamp(when)}}, "x")
		if err != nil || *got.From != micros || *got.Until != micros+1 {
			t.Errorf("%s reads as %+v, %v", timestamp(when), got, err)
		}
	})
}
