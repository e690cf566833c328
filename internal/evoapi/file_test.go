package evoapi_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

const stamp = "2006-01-02T15:04:05.000000Z"

func id(f coreshed.File) string { return "/" + f.UUID.String() }

func TestGetFile(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "A/B/points 1#?%.csv", "12345")
		person := map[string]any{"id": s.Editor.ID.String(), "name": "Editor", "email": s.Editor.Email}
		self := s.url + s.files("/path/A/B/points%201%23%3F%25.csv")
		want := map[string]any{
			"file_id": f.UUID.String(), "name": "points 1#?%.csv", "path": "/A/B/", "version_id": decimal(f.Version.VersionID),
			"size": number("5"), "etag": f.Version.ETag,
			"created_at": f.CreatedAt.Format(stamp), "modified_at": f.ModifiedAt.Format(stamp),
			"created_by": person, "modified_by": person, "deleted_at": nil, "deleted_by": nil, "self": self, "versions": nil,
		}
		byPath := s.send(s.Viewer, "GET", strings.TrimPrefix(self, s.url)).want(200)
		byID := s.send(s.Viewer, "GET", s.files(id(f)+"?deleted=False")).want(200)
		for _, a := range []answer{byPath, byID} {
			got := a.json()
			checkDownload(t, s, got["download"].(string), f)
			delete(got, "download")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", a.what, diff)
			}
		}
	})
}

// checkDownload checks what a signed URL names; its signature is checked where
// it is taken.
func checkDownload(t *testing.T, s *shed, text string, f coreshed.File) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := "/" + s.Workspace.UUID.String() + id(f) + "/" + decimal(f.Version.VersionID)
	if u.Path != want || u.Query().Get("sp") != "rt" || !strings.HasPrefix(text, s.url) {
		t.Errorf("download is %s, want %s", text, want)
	}
}

func TestGetVersion(t *testing.T) {
	each(t, func(s *shed) {
		first := s.Put(t, s.Editor, "A/points.csv", "1")
		second := s.Put(t, s.Owner, "a/POINTS.csv", "22")
		for _, path := range []string{id(first), "/path/A/points.csv"} {
			for _, name := range []string{"version_id", "version", "version=7&version_id"} {
				a := s.send(s.Viewer, "GET", s.files(path+"?"+name+"="+decimal(first.Version.VersionID))).want(200)
				if a.at("version_id") != decimal(first.Version.VersionID) || a.at("size") != number("1") ||
					a.at("modified_by", "name") != "Editor" || a.at("modified_at") != first.Version.CreatedAt.Format(stamp) {
					t.Errorf("%s: %s", a.what, a.body)
				}
				checkDownload(t, s, a.at("download").(string), first)
			}
			a := s.send(s.Viewer, "GET", s.files(path+"?include_versions=True")).want(200)
			if a.at("version_id") != decimal(second.Version.VersionID) || a.at("modified_by", "name") != "Owner" ||
				a.at("created_by", "name") != "Editor" {
				t.Errorf("%s: %s", a.what, a.body)
			}
			if diff := cmp.Diff([]string{decimal(second.Version.VersionID), decimal(first.Version.VersionID)}, a.names("versions", "version_id")); diff != "" {
				t.Error(diff)
			}
			link := strings.TrimPrefix(a.at("versions", 1, "link").(string), s.url)
			if got := s.send(s.Viewer, "GET", link).want(200); got.at("size") != number("1") {
				t.Errorf("%s: %s", got.what, got.body)
			}
			s.send(s.Viewer, "GET", s.files(path+"?version_id=12345")).want(404, "/files/not-found")
			for _, bad := range []string{"0", "-1", "x", "9223372036854775808", "1.5", ""} {
				s.send(s.Viewer, "GET", s.files(path+"?version_id="+bad)).want(422, "/validation")
			}
			s.send(s.Viewer, "GET", s.files(path+"?include_versions=maybe")).want(422)
			s.send(s.Viewer, "GET", s.files(path+"?unknown=%20&include_versions=false")).want(200)
			s.send(s.Viewer, "GET", s.files(path+"?version_id=%zz")).want(400, "/bad-request")
		}
	})
}

// One client of its time cuts the folder out of the path by itself.
func TestPathFieldForOldClient(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "A/points.csv", "1")
		for source, want := range map[string]string{
			"":                  "/A/",
			"evo-files@v0.2.4":  "/A/points.csv",
			"evo-files@v0.1.0":  "/A/points.csv",
			"evo-files@0.2.9":   "/A/points.csv",
			"evo-files@v0.3.0":  "/A/",
			"evo-files@v1.2.0":  "/A/",
			"evo-files@v0.20.0": "/A/",
			"evo-files@v0.x":    "/A/",
			"evo-objects@v0.2":  "/A/",
		} {
			for _, path := range []string{id(f), "/path/A/points.csv"} {
				a := s.send(s.Viewer, "GET", s.files(path+"?include_versions=True"), "Evo-SDK-Source", source).want(200)
				if a.at("path") != want || a.at("versions", 0, "path") != want {
					t.Errorf("%q: path %v, %v, want %s", source, a.at("path"), a.at("versions", 0, "path"), want)
				}
			}
			a := s.send(s.Viewer, "GET", s.files(""), "Evo-SDK-Source", source).want(200)
			if a.at("files", 0, "path") != "/A/" {
				t.Errorf("%q: listed path %v", source, a.at("files", 0, "path"))
			}
		}
	})
}

// What comes after files/path/ is a path as it was sent, whatever it holds.
func TestAwkwardPaths(t *testing.T) {
	each(t, func(s *shed) {
		for escaped, path := range map[string]string{
			"a%20b.csv": "a b.csv", "a%2520b.csv": "a%20b.csv", "%C3%A9.csv": "é.csv", "a%2Bb": "a+b", "a+b2": "a+b2",
			"x;y=1&z": "x;y=1&z", "a%5Cb": `a\b`, "//lead//twice.csv": "lead/twice.csv", "/lead.csv": "lead.csv",
			"d%2Fe.csv": "d/e.csv", "%20space": " space", "AUX.txt": "AUX.txt", "dot.": "dot.", "*": "*", "a:b|c": "a:b|c",
			"12345678-1234-1234-1234-123456789012": "12345678-1234-1234-1234-123456789012",
		} {
			up := s.send(s.Editor, "PUT", s.files("/path/"+escaped)).want(200)
			commit(t, s, up)
			a := s.send(s.Viewer, "GET", s.files("/path/"+escaped)).want(200)
			folder, name := coreshed.SplitPath(path)
			if a.at("name") != name || a.at("path") != folder {
				t.Errorf("%s is %v%v, want %s%s", escaped, a.at("path"), a.at("name"), folder, name)
			}
			self := strings.TrimPrefix(a.at("self").(string), s.url)
			s.send(s.Viewer, "GET", self).want(200)
			s.send(s.Editor, "DELETE", s.files("/path/"+escaped)).want(204)
		}
		long := strings.Repeat("é", 255)
		s.send(s.Editor, "PUT", s.files("/path/d/"+url.PathEscape(long))).want(200)
		for _, escaped := range []string{
			"", "/", "a/", "%2e%2e", "a/%2E%2e/b", "a/%2e/b", "%00", "a%0Ab", "%ff", "a%7f", "d/" + url.PathEscape(long+"x"),
			strings.Repeat("d/", 1024) + "a",
		} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				s.send(s.Editor, method, s.files("/path/"+escaped)).want(400, "/files/invalid-path")
			}
		}
	})
}

func TestWhiteSpaceCheckIsOptIn(t *testing.T) {
	each(t, func(s *shed) {
		const feature = "enable-no-leading-or-trailing-whitespaces-check"
		for _, header := range []string{"API-Preview", "Preview-API"} {
			for _, path := range []string{"/path/%20a.csv", "/path/a.csv%20", "/path/d%20/a.csv"} {
				s.send(s.Editor, "PUT", s.files(path)).want(200)
				a := s.send(s.Editor, "PUT", s.files(path), header, "other, "+feature).want(400, "/files/invalid-path")
				if !strings.Contains(a.at("detail").(string), "starting with or ending with a space") {
					t.Error(a.at("detail"))
				}
				s.send(s.Editor, "PUT", s.files(path), header, "something-else").want(200)
			}
			s.send(s.Editor, "PUT", s.files("/path/d/a%20b.csv"), header, feature).want(200)
		}
	})
}

func TestDeletedFile(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "d/a.csv", "1")
		s.Put(t, s.Editor, "d/a.csv", "22")
		s.send(s.Owner, "DELETE", s.files(id(f))).want(204)
		s.send(s.Owner, "DELETE", s.files(id(f))).want(204) // a repeat after a lost answer
		s.send(s.Viewer, "GET", s.files(id(f)+"?deleted=False")).want(410, "/files/gone")
		s.send(s.Viewer, "GET", s.files("/path/d/a.csv")).want(404, "/files/not-found")
		s.send(s.Viewer, "GET", s.files("/path/d/a.csv?deleted=True")).want(404)
		s.send(s.Editor, "DELETE", s.files("/path/d/a.csv")).want(404, "/files/not-found")
		s.send(s.Editor, "PUT", s.files(id(f))).want(410, "/files/gone")
		a := s.send(s.Viewer, "GET", s.files(id(f)+"?deleted=True&include_versions=true")).want(200)
		if a.at("deleted_by", "name") != "Owner" || a.at("deleted_at") == nil || len(a.at("versions").([]any)) != 2 ||
			!strings.Contains(a.at("download").(string), "si=deleted") {
			t.Errorf("%s", a.body)
		}
		s.send(s.Viewer, "GET", strings.TrimPrefix(a.at("self").(string), s.url)).want(200)
		s.send(s.Viewer, "GET", strings.TrimPrefix(a.at("versions", 1, "link").(string), s.url)).want(200)
		if got := s.send(s.Viewer, "GET", s.files("")).want(200); got.at("total") != number("0") {
			t.Errorf("%s", got.body)
		}
		got := s.send(s.Viewer, "GET", s.files("?deleted=TRUE")).want(200)
		if diff := cmp.Diff([]string{f.UUID.String()}, got.names("files", "file_id")); diff != "" {
			t.Error(diff)
		}
		s.send(s.Editor, "DELETE", s.files("/"+uuid.NewString())).want(404, "/files/not-found")
	})
}

func TestRestoreFile(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "d/points.csv", "1")
		s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=False")).want(204) // live already
		s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=true")).want(422, "/validation")
		s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=x")).want(422)
		s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=false&version_id=5")).want(422)
		s.send(s.Viewer, "GET", s.files(id(f))).want(200)

		s.send(s.Editor, "DELETE", s.files("/path/D/POINTS.CSV")).want(204)
		if a := s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=False")).want(204); len(a.body) != 0 {
			t.Errorf("body %q", a.body)
		}
		s.send(s.Viewer, "GET", s.files("/path/d/points.csv")).want(200)

		s.send(s.Editor, "DELETE", s.files(id(f))).want(204)
		s.Put(t, s.Editor, "D/points.CSV", "2")
		a := s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=False")).want(303)
		if a.at("name") != "points (1).csv" || a.at("path") != "/d/" || a.at("file_id") != f.UUID.String() || a.at("deleted_at") != nil {
			t.Errorf("%s", a.body)
		}
		location := strings.TrimPrefix(a.header.Get("Location"), s.url)
		if got := s.send(s.Editor, "GET", location).want(200); got.at("name") != "points (1).csv" {
			t.Errorf("%s", got.body)
		}
		s.send(s.Editor, "PUT", s.files("/"+uuid.NewString()+"?deleted=false")).want(404)
	})
}

// A version whose bytes cannot be served has no URL for them.
func TestBytesAreGone(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.csv", "1")
		for _, state := range []coreshed.ByteState{coreshed.Missing, coreshed.Removed, coreshed.ChangedOutside} {
			if err := s.DB.SetState(t.Context(), f.Version.ID, state); err != nil {
				t.Fatal(err)
			}
			s.send(s.Viewer, "GET", s.files(id(f))).want(410, "/files/gone")
			s.send(s.Viewer, "GET", s.files("/path/a.csv")).want(410, "/files/gone")
		}
		s.send(s.Viewer, "GET", s.files("")).want(200)

		// A restore has happened all the same, and is answered.
		s.send(s.Editor, "DELETE", s.files(id(f))).want(204)
		s.Put(t, s.Editor, "a.csv", "2")
		got := s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=false")).want(303)
		if name, url := got.at("name"), got.at("download"); name != "a (1).csv" || url == "" {
			t.Errorf("restored as %v, at %v", name, url)
		}
		s.send(s.Viewer, "GET", s.files(id(f))).want(410, "/files/gone")
	})
}
