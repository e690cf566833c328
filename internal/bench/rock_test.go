package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
)

// TestRock checks that the data set has the shape of the floor's, and is the
// same each time.
func TestRock(t *testing.T) {
	make1 := func() *rock {
		c := &rock{rows: 10_000, types: newTypes(), workspaces: []int64{1, 2, 3}}
		for i := range c.types.Jobs {
			c.types.Jobs[i].ID = int64(i + 1)
		}
		c.newRecipes()
		c.newRuns()
		return c
	}
	c := make1()
	count := map[string]int{}
	for n := 1; n <= c.rows; n++ {
		e := c.entry(n)
		count[string(e.Type)]++
		count[e.Sensor]++
		count["countries"] += len(e.Countries)
		if e.Workspace.ID == 3 {
			count["small"]++
		}
		if (e.Made.JobType != nil) != (e.Type == coreshed.Product) || !e.DataEnded.After(e.DataStarted) {
			t.Fatalf("file %d: %+v", n, e)
		}
	}
	if count["SOURCE"] != 2000 || count["PRODUCT"] != 8000 || count["small"] != 10 || count["sensor7"] < 150 || count["sensor7"] > 350 ||
		count["countries"] < 9500 || count["countries"] > 10_000 {
		t.Error(count)
	}
	if diff := cmp.Diff(c.entry(77), make1().entry(77)); diff != "" {
		t.Error(diff)
	}
}
