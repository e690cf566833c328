package geo_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/geo"
)

// world is as many countries, with as many corners, as detailed data sets have.
func world() []coreshed.Country {
	r := rand.New(rand.NewPCG(3, 4))
	var rows []coreshed.Country
	for i := range 250 {
		rows = append(rows, coreshed.Country{
			Name: fmt.Sprint(i), ISO3: fmt.Sprintf("C%02d", i), Effective: year(2000),
			Border: star(r, r.Float64()*300-150, r.Float64()*140-70, 1+r.Float64()*10, 2000),
		})
	}
	return rows
}

func BenchmarkNewBorders(b *testing.B) {
	rows := world()
	for b.Loop() {
		borders(b, rows...)
	}
}

func BenchmarkCountriesOf(b *testing.B) {
	all := borders(b, world()...)
	for _, size := range []float64{0.001, 0.5, 5, 40} {
		b.Run(fmt.Sprintf("box=%v", size), func(b *testing.B) {
			r := rand.New(rand.NewPCG(5, 6))
			for b.Loop() {
				x, y := r.Float64()*300-150, r.Float64()*140-70
				d, err := geo.Read([]byte(rectangle(x-size/2, y-size/2, x+size/2, y+size/2)))
				if err != nil && size < 30 {
					b.Fatal(err)
				}
				countries(b, all, d.Geometry, year(2020))
			}
		})
	}
}
