package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Bounds of the names that are made from titles for Scale's API.
const (
	maxNameBase  = 30
	randomDigits = 19
)

var blankRun = regexp.MustCompile(`[-\s]+`)

// Slug makes the name of a workspace, strike or scan from its title: lower case, letters, digits and single
// dashes. Accents are dropped, and so is what has no such letter.
func Slug(title string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', strings.ContainsRune("-_ \t\n\r\f\v", r):
			return r
		}
		return -1
	}, strings.ToLower(norm.NFKD.String(title)))
	base := strings.ReplaceAll(blankRun.ReplaceAllString(strings.TrimSpace(kept), "-"), "_", "-")
	return base[:min(len(base), maxNameBase)]
}

// freeName makes a name, from a title, that no row of the organisation has in
// the table: the title's slug, with random digits when it is taken or empty.
func freeName(ctx context.Context, t tx, table string, org int64, title string) (string, error) {
	base := Slug(title)
	for name := base; ; name = strings.TrimPrefix(base+"-"+randomHex(), "-") {
		if name == "" {
			continue
		}
		taken, err := one(ctx, t, value[int64], `SELECT count(*) FROM `+table+` WHERE org_id = $1 AND name = $2`, org, name)
		if err != nil || taken == 0 {
			return name, err
		}
	}
}

func randomHex() string {
	b := make([]byte, (randomDigits+1)/2)
	rand.Read(b)
	return hex.EncodeToString(b)[:randomDigits]
}
