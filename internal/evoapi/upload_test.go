package evoapi_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/coreshed/coreshed"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func number(text string) json.Number { return json.Number(text) }

// commit makes an offered upload a version, as the data plane does.
func commit(t *testing.T, s *shed, offer answer) {
	t.Helper()
	file, err := uuid.Parse(offer.at("file_id").(string))
	if err != nil {
		t.Fatal(err)
	}
	version, err := strconv.ParseInt(offer.at("version_id").(string), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.DB.Reservation(t.Context(), s.Access(t, s.Editor), file, version)
	if err != nil {
		t.Fatal(err)
	}
	s.Commit(t, r, "content")
}

func TestUpload(t *testing.T) {
	each(t, func(s *shed) {
		a := s.send(s.Editor, "PUT", s.files("/path/d/new.csv"), "Content-Type", "application/octet-stream").want(200)
		file, version := a.at("file_id").(string), a.at("version_id").(string)
		u, err := url.Parse(a.at("upload").(string))
		if err != nil || u.Path != "/"+s.Workspace.UUID.String()+"/"+file+"/"+version || u.Query().Get("sp") != "wt" {
			t.Errorf("upload is %v, %v", u, err)
		}
		s.send(s.Viewer, "GET", s.files("/"+file)).want(404)
		s.send(s.Viewer, "GET", s.files("/path/d/new.csv")).want(404)

		second := s.send(s.Editor, "PUT", s.files("/path/D/NEW.csv")).want(200)
		if second.at("file_id") != file || second.at("version_id") == version {
			t.Errorf("the second upload is %s", second.body)
		}
		for _, path := range []string{"/" + file, "/path/d/new.csv"} {
			renewed := s.send(s.Editor, "PUT", s.files(path+"?version_id="+version)).want(200)
			if renewed.at("file_id") != file || renewed.at("version_id") != version {
				t.Errorf("renewed as %s", renewed.body)
			}
			s.send(s.Editor, "PUT", s.files(path+"?version_id=77")).want(404, "/files/not-found")
			s.send(s.Editor, "PUT", s.files(path+"?version_id=seven")).want(422)
		}
		commit(t, s, a)
		if got := s.send(s.Viewer, "GET", s.files("/"+file)).want(200); got.at("version_id") != version {
			t.Errorf("%s", got.body)
		}
		for _, path := range []string{"/" + file, "/path/d/new.csv"} {
			got := s.send(s.Editor, "PUT", s.files(path+"?version_id="+version)).want(400, "/files/no-file-upload-in-progress")
			if got.at("title") != "No file upload in progress" {
				t.Error(got.at("title"))
			}
		}
		third := s.send(s.Editor, "PUT", s.files("/"+file)).want(200)
		if third.at("file_id") != file {
			t.Errorf("%s", third.body)
		}
		commit(t, s, second) // committed last, so current
		if got := s.send(s.Viewer, "GET", s.files("/"+file+"?include_versions=True")).want(200); got.at("version_id") != second.at("version_id") ||
			got.at("versions", 0, "version_id") != second.at("version_id") {
			t.Errorf("%s", got.body)
		}
		s.send(s.Editor, "PUT", s.files("/path/none.csv?version_id=5")).want(404)
		s.send(s.Editor, "PUT", s.files("/"+uuid.NewString())).want(404)
	})
}

func TestDeleteDuringUpload(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.csv", "1")
		up := s.send(s.Editor, "PUT", s.files(id(f))).want(200)
		s.send(s.Editor, "DELETE", s.files(id(f))).want(204)
		s.send(s.Editor, "PUT", s.files(id(f)+"?version_id="+up.at("version_id").(string))).want(410)

		fresh := s.send(s.Editor, "PUT", s.files("/path/b.csv")).want(200)
		file := "/" + fresh.at("file_id").(string)
		s.send(s.Editor, "DELETE", s.files(file)).want(204)
		s.send(s.Editor, "PUT", s.files(file+"?version_id="+fresh.at("version_id").(string))).want(410)
		s.send(s.Viewer, "GET", s.files(file+"?deleted=true")).want(404)
		s.send(s.Editor, "PUT", s.files(file+"?deleted=false")).want(404)
	})
}

func TestNoRoom(t *testing.T) {
	each(t, func(s *shed) {
		f := s.Put(t, s.Editor, "a.csv", "1")
		up := s.send(s.Editor, "PUT", s.files("/path/b.csv")).want(200)
		s.room = func() error { return coreshed.Errorf(coreshed.Full, "The workspace is full.") }
		for _, path := range []string{id(f), "/path/a.csv", "/path/new.csv"} {
			if a := s.send(s.Editor, "PUT", s.files(path)).want(400, "/file-api/bad-request"); a.at("detail") != "The workspace is full." {
				t.Error(a.at("detail"))
			}
		}
		// What takes no room goes on.
		s.send(s.Editor, "PUT", s.files("/path/b.csv?version_id="+up.at("version_id").(string))).want(200)
		s.send(s.Editor, "DELETE", s.files(id(f))).want(204)
		s.send(s.Editor, "PUT", s.files(id(f)+"?deleted=false")).want(204)
	})
}

// What goes wrong inside is told by its status alone.
func TestFaults(t *testing.T) {
	each(t, func(s *shed) {
		secret := errors.New("secret detail")
		for _, c := range []struct {
			room    func() error
			status  int
			problem string
		}{
			{func() error { return secret }, 500, "/file-api/api-errors"},
			{func() error { panic(secret) }, 500, "/file-api/api-errors"},
			{func() error { return coreshed.Errorf(coreshed.StoreFailed, "secret").Because(secret) }, 502, "/metadata/store-error"},
			{func() error { return coreshed.Errorf(coreshed.BadGateway, "No keys.").Because(secret) }, 502, "/bad-gateway"},
		} {
			s.room = c.room
			a := s.send(s.Editor, "PUT", s.files("/path/a.csv")).want(c.status, c.problem)
			if strings.Contains(string(a.body), "secret") {
				t.Errorf("told %s", a.body)
			}
		}
		token := s.token(s.Editor, 3600e9)
		if err := s.DB.Close(); err != nil {
			t.Fatal(err)
		}
		for _, op := range []struct{ method, path string }{
			{"GET", s.files("")}, {"PUT", s.files("/path/a.csv")}, {"DELETE", s.files("/" + uuid.NewString())}, {"GET", s.here("")},
		} {
			s.sendBody(token, op.method, op.path, nil).want(502, "/metadata/store-error")
		}
	})
}

func TestUploadKeepsSpelling(t *testing.T) {
	each(t, func(s *shed) {
		s.Put(t, s.Editor, "Dir/First.csv", "1")
		s.Put(t, s.Editor, "dir/FIRST.csv", "2")
		if a := s.send(s.Viewer, "GET", s.files("")).want(200); a.at("total") != number("1") || a.at("files", 0, "name") != "First.csv" {
			t.Errorf("%s", a.body)
		}
	})
}
