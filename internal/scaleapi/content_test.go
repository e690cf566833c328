package scaleapi_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

// content is the path of a version's download, as its url says.
func (s *shed) content(f coreshed.File) string {
	s.t.Helper()
	url, ok := s.get(s.Viewer, fmt.Sprintf("/v6/files/%d/", f.Version.ID)).want(200).at("url").(string)
	path, ours := strings.CutPrefix(url, s.url)
	if !ok || !ours {
		s.t.Fatalf("the url is %q", url)
	}
	return path
}

func TestContent(t *testing.T) {
	each(t, func(s *shed) {
		f := s.upload("north/lärm \"1\".txt", "0123456789")
		path := s.content(f)
		a := s.get(s.Viewer, path).want(200)
		if string(a.body) != "0123456789" {
			t.Errorf("body %q", a.body)
		}
		got := map[string]string{}
		for _, name := range []string{
			"Content-Type", "Content-Disposition", "X-Content-Type-Options", "Content-Security-Policy", "Accept-Ranges", "Content-Length", "Etag", "Content-Range",
		} {
			got[name] = a.header.Get(name)
		}
		want := map[string]string{
			"Content-Type": "application/octet-stream", "Content-Disposition": "attachment; filename*=utf-8''l%C3%A4rm%20%221%22.txt",
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "Accept-Ranges": "bytes", "Content-Length": "10",
			"Etag": f.Version.ETag, "Content-Range": "",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		for _, c := range []struct {
			header, value string
			status        int
			body, span    string
		}{
			{"Range", "bytes=2-4", 206, "234", "bytes 2-4/10"},
			{"Range", "bytes=-3", 206, "789", "bytes 7-9/10"},
			{"Range", "bytes=0-99", 206, "0123456789", "bytes 0-9/10"},
			{"Range", "bytes=0-1,3-4", 200, "0123456789", ""},
			{"Range", "lines=1-2", 200, "0123456789", ""},
			{"Range", "bytes=10-", 416, `{"detail":"The range lies behind the end of the file."}` + "\n", "bytes */10"},
			{"If-None-Match", f.Version.ETag, 304, "", ""},
			{"If-None-Match", `"other"`, 200, "0123456789", ""},
		} {
			a := s.get(s.Viewer, path, c.header, c.value).want(c.status)
			if string(a.body) != c.body || a.header.Get("Content-Range") != c.span {
				t.Errorf("%s %s: %q, Content-Range %q", c.header, c.value, a.body, a.header.Get("Content-Range"))
			}
		}
		a = s.get(s.Viewer, path, "Range", "bytes=2-4", "If-Range", `"other"`).want(200)
		if a := s.send(s.Viewer, "HEAD", path, "").want(200); len(a.body) > 0 || a.header.Get("Content-Length") != "10" {
			t.Errorf("HEAD: %v", a.header)
		}
		s.get(anonymous, path).want(403, "Authentication credentials were not provided.")
		s.get(s.Member, path).want(404, "Not found.")
	})
}

// A url never leads nowhere: bytes that are lost have none.
func TestLostContent(t *testing.T) {
	s := open(t, storetest.Memory(t))
	f := s.upload("a.txt", "x")
	path := s.content(f)
	if err := s.DB.SetState(t.Context(), f.Version.ID, coreshed.Missing); err != nil {
		t.Fatal(err)
	}
	if url := s.get(s.Viewer, fmt.Sprintf("/v6/files/%d/", f.Version.ID)).at("url"); url != nil {
		t.Errorf("url is %v", url)
	}
	s.get(s.Viewer, path).want(410)
	s.send(s.Viewer, "HEAD", path, "").want(410)
}

// Bytes that the row names and the store does not have are noticed before
// anything is sent.
func TestContentWithoutObject(t *testing.T) {
	s := open(t, storetest.Memory(t))
	f := s.Put(t, s.Editor, "a.txt", "x") // a row alone
	s.get(s.Viewer, s.content(f)).want(410, "The bytes of this version are missing.")
}

// What is deleted is listed, so it can be looked at while its bytes are kept.
func TestDeletedContent(t *testing.T) {
	s := open(t, storetest.Memory(t))
	f := s.upload("a.txt", "x")
	if err := s.DB.DeleteFile(t.Context(), s.Access(t, s.Editor), f.UUID); err != nil {
		t.Fatal(err)
	}
	if a := s.get(s.Viewer, s.content(f)).want(200); string(a.body) != "x" {
		t.Errorf("body %q", a.body)
	}
}

// Cases 64 to 67: what lies in place is where the workspace says that others
// serve it, with one slash between, else here; in no case anywhere that it is not.
func TestContentInPlace(t *testing.T) {
	each(t, func(s *shed) {
		path := s.create("Images", s.host())
		ws, err := s.DB.WorkspaceByName(t.Context(), "images")
		s.must(err)
		access, err := s.DB.Access(t.Context(), coreshed.Actor{ID: s.Admin.ID}, s.Org.ID, ws.UUID)
		s.must(err)
		const name = "2016/ä b#1%.tif"
		file := filepath.Join(s.root, filepath.FromSlash(name))
		s.must(os.MkdirAll(filepath.Dir(file), 0o755))
		s.must(os.WriteFile(file, []byte("in place"), 0o644))
		info, err := os.Stat(file)
		s.must(err)
		_, err = s.DB.AddInPlace(t.Context(), access, store.Place{Path: name, Size: info.Size(), Modified: info.ModTime()})
		s.must(err)

		url := func() any {
			return s.get(s.Admin, "/v6/files/?file_name_search=.tif").want(200).at("results", 0, "url")
		}
		own, ours := strings.CutPrefix(url().(string), s.url) // case 65
		if !ours {
			t.Fatalf("url is %v", url())
		}
		if a := s.get(s.Admin, own, "Range", "bytes=3-7").want(206); string(a.body) != "place" {
			t.Errorf("body %q", a.body)
		}
		for base, want := range map[string]string{
			"http://host/images": "http://host/images/2016/%C3%A4%20b%231%25.tif", // case 64
			"http://host/":       "http://host/2016/%C3%A4%20b%231%25.tif",        // cases 66 and 67: a path never begins with a slash
		} {
			s.send(s.Admin, "PATCH", path, body(t, object{"base_url": base})).want(204)
			if got := url(); got != want {
				t.Errorf("below %s: %v, want %s", base, got, want)
			}
		}
		s.must(os.WriteFile(file, []byte("changed outside"), 0o644))
		s.get(s.Admin, own).want(410)
		if got := url(); got != nil {
			t.Errorf("changed outside: url is %v", got)
		}
	})
}
