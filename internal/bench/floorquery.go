package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// floorQuery is a question in the SQL of Scale's list: a page with all that it
// joins, the count, and what is then fetched for the page.
type floorQuery struct {
	join, where, order string
	skip               int
}

// floorJoins are the relations that the page is joined with, and of each the
// columns that are left out.
var floorJoins = []struct{ table, without string }{
	{"workspace", "json_config"}, {"job_exe", "configuration"}, {"job", "input output"}, {"recipe", "input"},
	{"recipe_type", "definition"}, {"batch", "definition"},
}

// slowFloor is how long a question may take the floor that is asked again.
const slowFloor = 3 * time.Second

func floorPage(skip int, order string) func() floorQuery {
	return func() floorQuery { return floorQuery{skip: skip, order: order} }
}

func floorSensor() floorQuery {
	from, until, sensor := someWindow()
	return floorQuery{where: fmt.Sprintf(`f.data_started >= '%s' AND f.data_ended <= '%s' AND f.source_sensor IN ('%s')`, stamp(from), stamp(until), sensor)}
}

func floorCountry() floorQuery {
	return floorQuery{
		join:  ` INNER JOIN scale_file_countries fc ON f.id = fc.scalefile_id INNER JOIN country_data cd ON fc.countrydata_id = cd.id`,
		where: `cd.iso3 IN ('` + someCountry() + `')`,
	}
}

func floorJobType() floorQuery {
	return floorQuery{
		join: ` INNER JOIN job_type jt ON f.job_type_id = jt.id`, where: `jt.name IN ('` + someJobType() + `')`,
		order: `f.created DESC`,
	}
}

func (c Catalogue) floorJob() floorQuery {
	return floorQuery{where: fmt.Sprintf(`f.job_id IN (%d)`, 1+rand.IntN(c.Rows*4/10))}
}

func (c Catalogue) floorName() floorQuery {
	return floorQuery{where: `f.file_name IN ('` + fileName(1+rand.IntN(c.Rows)) + `')`}
}

func floorSearch() floorQuery {
	return floorQuery{where: fmt.Sprintf(`UPPER(f.file_name::text) LIKE UPPER('%%%06x%%')`, rand.IntN(1<<24))}
}

// page is the query of the page. columns are those of the relations.
func (q floorQuery) page(columns map[string][]string) string {
	selected := []string{}
	for _, c := range columns["scale_file"] {
		if c == "geometry" || c == "center_point" {
			c += "::bytea"
		}
		selected = append(selected, "f."+c)
	}
	joins := q.join
	for _, j := range floorJoins {
		for _, c := range columns[j.table] {
			if !slices.Contains(strings.Fields(j.without), c) {
				selected = append(selected, j.table+"."+c)
			}
		}
		kind := " LEFT OUTER JOIN "
		if j.table == "workspace" {
			kind = " INNER JOIN "
		}
		joins += kind + j.table + " ON f." + j.table + "_id = " + j.table + ".id"
	}
	order := q.order
	if order == "" {
		order = "f.last_modified"
	}
	return "SELECT " + strings.Join(selected, ", ") + " FROM scale_file f" + joins + q.filter() +
		fmt.Sprintf(" ORDER BY %s LIMIT %d OFFSET %d", order, listed, q.skip)
}

func (q floorQuery) filter() string {
	if q.where == "" {
		return ""
	}
	return " WHERE " + q.where
}

// time returns what a question costs the floor, in milliseconds: the median of
// some runs, each with other literals, behind one that warms. 0 without a floor.
func (f *floor) time(ctx context.Context, q question) (float64, error) {
	if f.conn == nil {
		return 0, nil
	}
	columns, err := f.columns(ctx)
	if err != nil {
		return 0, err
	}
	var took []float64
	for i := range floorRuns + 1 {
		start := time.Now()
		if err := f.ask(ctx, q.floor(), columns); err != nil {
			return 0, err
		}
		if once := time.Since(start); i > 0 || once > slowFloor {
			took = append(took, millis(once))
		}
		if len(took) > 0 && took[0] > millis(slowFloor) {
			break
		}
	}
	return spreadOf(took).Median, nil
}

func (f *floor) columns(ctx context.Context) (map[string][]string, error) {
	rows, err := f.conn.Query(ctx, `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		columns[table] = append(columns[table], column)
	}
	return columns, rows.Err()
}

// ask makes the four queries of a list.
func (f *floor) ask(ctx context.Context, q floorQuery, columns map[string][]string) error {
	ids, err := f.drain(ctx, q.page(columns))
	if err != nil {
		return err
	}
	if _, err := f.drain(ctx, `SELECT COUNT(*) FROM scale_file f`+q.join+q.filter()); err != nil || len(ids) == 0 {
		return err
	}
	in := strings.Join(ids, ", ")
	if _, err := f.drain(ctx, `SELECT fc.scalefile_id, cd.* FROM country_data cd INNER JOIN scale_file_countries fc ON cd.id = fc.countrydata_id
		WHERE fc.scalefile_id IN (`+in+`)`); err != nil {
		return err
	}
	_, err = f.drain(ctx, `SELECT * FROM job_type WHERE id IN (SELECT DISTINCT job_type_id FROM scale_file WHERE id IN (`+in+`))`)
	return err
}

// drain reads all rows and returns their first column as text.
func (f *floor) drain(ctx context.Context, query string) ([]string, error) {
	rows, err := f.conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var first []string
	for rows.Next() {
		first = append(first, string(rows.RawValues()[0]))
	}
	return first, rows.Err()
}
