package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// retentionFlag is a time in days or smaller units, such as 90d or 12h30m.
type retentionFlag time.Duration

const day = 24 * time.Hour

// UnmarshalText reads the time.
func (r *retentionFlag) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n int64
		n, err = strconv.ParseInt(days, 10, 64)
		if d = time.Duration(n) * day; n > math.MaxInt64/int64(day) {
			d = -1
		}
	}
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time such as 90d or 12h", text)
	}
	*r = retentionFlag(d)
	return nil
}

// kept writes for how long something is kept.
func kept(d time.Duration) string {
	switch {
	case d == 0:
		return "for ever"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}
