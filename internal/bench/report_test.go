package bench

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	s := newSheet(io.Discard)
	put := test{"PUT", "MiB/s", target{ratio: true, least: 0.85}}
	for _, v := range []float64{100, 300, 200} {
		s.add(put, limitName, v)
		s.add(put, shedName, v*0.8)
	}
	s.add(test{"GET", "MiB/s", target{}}, nginxName, 12)
	s.add(test{"commit", "ms", target{below: 150}}, shedName, 149)
	r := s.report()

	if r.Missed() != 1 {
		t.Errorf("missed %d targets, want 1", r.Missed())
	}
	var got bytes.Buffer
	if err := r.Write(&got); err != nil {
		t.Fatal(err)
	}
	want := `TEST    UNIT   LIMIT          NGINX  CORESHED        RATIO  TARGET  
PUT     MiB/s  200 (100–300)         160 (80.0–240)  0.80   ≥ 0.85  MISSED
GET     MiB/s                 12.0                                  
commit  ms                           149                    < 150   ok
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		samples []float64
		want    Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9}},
	} {
		if diff := cmp.Diff(tt.want, spreadOf(tt.samples)); diff != "" {
			t.Errorf("%v: %s", tt.samples, diff)
		}
	}
}
