package nativeapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coreshed/coreshed"
)

// made uploads the outputs that a run has announced, and completes it. It returns
// the ids of the versions by the names of what was uploaded.
func (s *shed) made(p coreshed.Person, r m) map[string]any {
	s.t.Helper()
	for _, u := range r["uploads"].([]any) {
		equal(s.t, s.put(at(u, "url").(string), "bytes"), 201)
	}
	s.want(p, "POST", s.runPath(r, "/complete"), nil, 200)
	ids := map[string]any{}
	for _, o := range s.want(p, "GET", s.runPath(r, "/outputs"), nil, 200)["results"].([]any) {
		ids[at(o, "version", "name").(string)] = at(o, "version", "id")
	}
	return ids
}

func (s *shed) version(id any) m {
	s.t.Helper()
	return s.want(s.Admin, "GET", fmt.Sprintf("/coreshed/v1/versions/%v", id), nil, 200)
}

// TestProducts: cases 143 and 144. Two outputs, one of which says itself what it
// is and is about; the other takes that from its name and from what it is made of.
func TestProducts(t *testing.T) {
	each(t, func(s *shed) {
		source := s.Put(t, s.Editor, "in/a.tif", "abc").Version.ID
		s.want(s.Editor, "PUT", describing(source), `{"type": "Feature", "geometry": null, "properties": {"sourceSensorClass": "optical",
			"sourceSensor": "S1", "sourceCollection": "7", "sourceTask": "T", "dataStarted": "2015-05-03T00:00:00Z"}}`, 200)
		r := s.want(s.Editor, "POST", s.ws("/runs"), m{
			"type": m{"name": "parse", "version": "1.0", "manifest": m{"job": m{"packageVersion": "1.0.0"}}}, "start": m{},
			"inputs":  []m{{"name": "IN", "path": "in/a.tif"}},
			"outputs": []m{{"name": "ONE", "upload": "cut.tif"}, {"name": "TWO", "upload": "cut.bin", "media_type": "application/x"}},
		}, 201)
		ids := s.made(s.Editor, r)
		s.want(s.Editor, "PUT", fmt.Sprintf("/coreshed/v1/versions/%v/description", ids["cut.bin"]), `{"type": "Feature",
			"geometry": {"type": "Polygon", "coordinates": [[[1, 10], [2, 10], [2, 20], [1, 20], [1, 10]]]},
			"properties": {"dataStarted": "2015-05-15T10:34:12Z", "dataEnded": "2015-05-15T10:36:12Z", "sourceSensor": "other"}}`, 200)

		one, two := s.version(ids["cut.tif"]), s.version(ids["cut.bin"])
		for name, v := range map[string]m{"cut.tif": one, "cut.bin": two} {
			equal(t, []any{v["name"], v["type"], at(v, "workspace", "id"), v["published"]}, []any{name, "PRODUCT", s.Workspace.UUID.String(), true})
			if path := v["storage_path"].(string); !strings.HasPrefix(path, "jobs/parse/1.0/2015/05/03/job_exe_") || !strings.HasSuffix(path, "/"+name) {
				t.Errorf("storage path %s", path)
			}
			equal(t, []any{at(v, "description", "metadata", "job_name"), at(v, "description", "metadata", "job_version"), at(v, "description", "metadata", "package_version")},
				[]any{"parse", "1.0", "1.0.0"})
			equal(t, []any{at(v, "description", "source_sensor_class"), at(v, "description", "source_collection"), at(v, "description", "source_task")},
				[]any{"optical", "7", "T"})
		}
		equal(t, []any{one["media_type"], at(one, "description", "source_sensor"), at(one, "description", "data_started")}, []any{"image/tiff", "S1", nil})
		equal(t, []any{two["media_type"], at(two, "description", "source_sensor")}, []any{"application/x", "other"})
		equal(t, []any{at(two, "description", "geometry"), at(two, "description", "center_point")},
			[]any{"POLYGON ((1 10, 2 10, 2 20, 1 20, 1 10))", "POINT (1.5 15)"})
		equal(t, []any{at(two, "description", "data_started"), at(two, "description", "data_ended"), at(two, "description", "source_started")},
			[]any{"2015-05-15T10:34:12.000000Z", "2015-05-15T10:36:12.000000Z", "2015-05-03T00:00:00.000000Z"})
		if one["file_id"] == two["file_id"] {
			t.Error("two outputs are one product")
		}
	})
}

// TestProductsElsewhere: cases 121 and 153. Four outputs in two workspaces lie
// where products of their type lie, and each leads back to the source, to which
// one run is one run.
func TestProductsElsewhere(t *testing.T) {
	each(t, func(s *shed) {
		source := s.Put(t, s.Editor, "a.tif", "abc").Version.ID
		elsewhere := s.AddWorkspace(t, "Elsewhere")
		s.must(s.DB.Grant(t.Context(), coreshed.Operator, elsewhere.ID, s.Editor.ID, coreshed.Editor))
		products := map[string]bool{}
		for i, ws := range []coreshed.Workspace{s.Workspace, elsewhere} {
			names := []string{fmt.Sprintf("%d-one.tif", i), fmt.Sprintf("sub/%d-two.tif", i)}
			r := s.want(s.Editor, "POST", "/coreshed/v1/workspaces/"+ws.UUID.String()+"/runs", m{
				"type": m{"name": "parse", "version": "1.0"}, "start": m{}, "inputs": []m{{"name": "IN", "version": source}},
				"outputs": []m{{"name": "ONE", "upload": names[0]}, {"name": "TWO", "upload": names[1]}},
			}, 201)
			equal(t, []any{at(r, "uploads", 0, "name"), at(r, "uploads", 1, "name")}, []any{"ONE", "TWO"})
			for name, id := range s.made(s.Editor, r) {
				v := s.version(id)
				path := v["storage_path"].(string)
				if at(v, "workspace", "id") != ws.UUID.String() || !strings.HasPrefix(path, "jobs/parse/1.0/") || !strings.HasSuffix(path, name) {
					t.Errorf("%s is %s in %v", name, path, v["workspace"])
				}
				products[fmt.Sprint(id)] = true
			}
		}
		down := s.want(s.Editor, "GET", fmt.Sprintf("/coreshed/v1/versions/%d/lineage?direction=down", source), nil, 200)
		found := map[string]bool{}
		for _, v := range down["versions"].([]any) {
			if id := fmt.Sprint(at(v, "id")); id != fmt.Sprint(source) {
				found[id] = true
			}
		}
		equal(t, found, products)
		equal(t, []any{len(products), len(down["runs"].([]any))}, []any{4, 2})
	})
}

// TestSameProduct: case 148. Two executions of one run make the same product.
func TestSameProduct(t *testing.T) {
	each(t, func(s *shed) {
		s.Put(t, s.Editor, "a.tif", "abc")
		r := s.want(s.Editor, "POST", s.ws("/runs"), m{
			"type": m{"name": "parse", "version": "1.0"}, "start": m{"try": "1"}, "inputs": []m{{"name": "IN", "path": "a.tif"}},
			"outputs": []m{{"name": "OUT", "upload": "out.tif"}},
		}, 201)
		equal(t, s.put(at(r, "uploads", 0, "url").(string), "first"), 201)
		s.want(s.Editor, "POST", s.runPath(r, "/fail"), m{}, 200)
		s.want(s.Editor, "POST", s.runPath(r, "/start"), m{"try": "2"}, 200)
		r2 := s.want(s.Editor, "POST", s.runPath(r, "/outputs"), m{"outputs": []m{{"name": "OUT", "upload": "out.tif"}}}, 200)
		equal(t, s.put(at(r2, "uploads", 0, "url").(string), "second"), 201)
		s.want(s.Editor, "POST", s.runPath(r, "/complete"), nil, 200)
		list := s.want(s.Editor, "GET", s.runPath(r, "/outputs"), nil, 200)["results"].([]any)
		equal(t, len(list), 2)
		first, second := s.version(at(list[0], "version", "id")), s.version(at(list[1], "version", "id"))
		equal(t, first["file_id"], second["file_id"]) // what is the same product is one file's
		if at(first, "made_by", "execution") == at(second, "made_by", "execution") {
			t.Errorf("both are of execution %v", at(first, "made_by", "execution"))
		}
	})
}

// TestTags: cases 49 to 52. Tags are a set, in any case of letters.
func TestTags(t *testing.T) {
	each(t, func(s *shed) {
		path := describing(s.Put(t, s.Editor, "a.tif", "abc").Version.ID)
		tagged := func(tags string) any {
			document := `{"type": "Feature", "geometry": null, "properties": {"dataTypes": ` + tags + `}}`
			s.want(s.Editor, "PUT", path, document, 200)
			return at(s.want(s.Viewer, "GET", path, nil, 200), "tags")
		}
		equal(t, at(s.want(s.Viewer, "GET", path, nil, 200), "tags"), any([]any{}))             // case 52
		equal(t, tagged(`["foo_BAR", "Hello-1"]`), any([]any{"Hello-1", "foo_BAR"}))            // case 49
		equal(t, tagged(`["Hello-1", "Hello-1", "foo_BAR"]`), any([]any{"Hello-1", "foo_BAR"})) // case 50
		equal(t, tagged(`["c", "A", "B"]`), any([]any{"A", "B", "Hello-1", "c", "foo_BAR"}))    // case 51
	})
}
