package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// bytesFlag is a number of bytes, such as 500000, 10GiB or 2.5TB.
type bytesFlag int64

// units are what a number may be followed by. Without "i" they are decimal.
var units = []struct {
	suffix string
	factor float64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
}

// UnmarshalText reads the number.
func (b *bytesFlag) UnmarshalText(text []byte) error {
	upper := strings.ToUpper(strings.TrimSpace(string(text)))
	for _, u := range units {
		number, ok := strings.CutSuffix(upper, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(n) || n < 0 || n*u.factor >= math.MaxInt64 {
			break
		}
		*b = bytesFlag(n * u.factor)
		return nil
	}
	return fmt.Errorf("%q is not a size such as 500MB or 10GiB", text)
}

// sized writes a number of bytes for people.
func sized(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/(1<<10), "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if f < 1<<10 {
			break
		}
		f, unit = f/(1<<10), next
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
