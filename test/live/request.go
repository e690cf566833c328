package live

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Answer is a whole answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends one request, once. The error says that there was no whole answer.
// Headers are name, value, name, value…; Content-Length is for a body whose
// length does not show.
func (s *Shed) Do(method, address string, body io.Reader, headers ...string) (Answer, error) {
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		return Answer{}, err
	}
	if strings.HasPrefix(address, s.Files) && s.Files != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if size, err := strconv.ParseInt(req.Header.Get("Content-Length"), 10, 64); err == nil {
		req.ContentLength = size
	}
	res, err := s.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	return Answer{res.StatusCode, res.Header, content}, nil
}

// Refused is an answer with another status than the one wanted.
type Refused struct {
	Answer
	Request string
}

// Error shows the answer.
func (r *Refused) Error() string {
	return fmt.Sprintf("%s: status %d: %s", r.Request, r.Status, bytes.TrimSpace(r.Body))
}

// want does one request that must be answered with a status.
func (s *Shed) want(status int, method, address string, body []byte, headers ...string) (Answer, error) {
	a, err := s.Do(method, address, bytes.NewReader(body), headers...)
	if err == nil && a.Status != status {
		path, _, _ := strings.Cut(address, "?")
		err = &Refused{a, method + " " + path}
	}
	return a, err
}

// Upload is a reserved version.
type Upload struct {
	FileID    string `json:"file_id"`
	VersionID string `json:"version_id"`
	URL       string `json:"upload"`
}

// Reserve begins an upload to a path.
func (s *Shed) Reserve(path string) (Upload, error) {
	var u Upload
	a, err := s.want(http.StatusOK, http.MethodPut, s.Files+"/path/"+path, nil)
	if err == nil {
		err = json.Unmarshal(a.Body, &u)
	}
	return u, err
}

// PutBlob commits a body in one piece.
func (s *Shed) PutBlob(u Upload, body []byte) (etag string, err error) {
	a, err := s.want(http.StatusCreated, http.MethodPut, u.URL, body, "x-ms-blob-type", "BlockBlob")
	return a.Header.Get("ETag"), err
}

// PutBlock stages a block.
func (s *Shed) PutBlock(u Upload, id string, body []byte) error {
	_, err := s.want(http.StatusCreated, http.MethodPut, u.BlockURL(id), body)
	return err
}

// BlockURL is where a block is put.
func (u Upload) BlockURL(id string) string { return u.URL + "&comp=block&blockid=" + blockID(id) }

func blockID(id string) string {
	return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(id)))
}

// PutBlockList commits staged blocks.
func (s *Shed) PutBlockList(u Upload, ids ...string) (etag string, err error) {
	a, err := s.want(http.StatusCreated, http.MethodPut, u.URL+"&comp=blocklist", BlockList(ids...))
	return a.Header.Get("ETag"), err
}

// BlockList is the body of a Put Block List.
func BlockList(ids ...string) []byte {
	var list bytes.Buffer
	list.WriteString(`<?xml version="1.0" encoding="utf-8"?><BlockList>`)
	for _, id := range ids {
		fmt.Fprintf(&list, "<Latest>%s</Latest>", base64.StdEncoding.EncodeToString([]byte(id)))
	}
	list.WriteString(`</BlockList>`)
	return list.Bytes()
}

// Delete deletes a file.
func (s *Shed) Delete(fileID string) error {
	_, err := s.want(http.StatusNoContent, http.MethodDelete, s.Files+"/"+fileID, nil)
	return err
}

// Restore makes a deleted file live again, at its own path.
func (s *Shed) Restore(fileID string) error {
	_, err := s.want(http.StatusNoContent, http.MethodPut, s.Files+"/"+fileID+"?deleted=false", nil)
	return err
}

// File is a file as listed.
type File struct {
	FileID string `json:"file_id"`
	Name   string `json:"name"`
	Path   string `json:"path"` // of the folder, between slashes
	Size   int64  `json:"size"`
}

// Address is the file's path as it was uploaded to.
func (f File) Address() string { return strings.TrimPrefix(f.Path+f.Name, "/") }

// List returns all files, live or deleted ones.
func (s *Shed) List(deleted bool) ([]File, error) {
	var list struct {
		Total int64
		Files []File
	}
	a, err := s.want(http.StatusOK, http.MethodGet, fmt.Sprintf("%s?limit=5000&deleted=%t", s.Files, deleted), nil)
	if err == nil {
		err = json.Unmarshal(a.Body, &list)
	}
	if err == nil && list.Total != int64(len(list.Files)) {
		err = fmt.Errorf("a list of %d files has total %d", len(list.Files), list.Total)
	}
	return list.Files, err
}

// Contents returns the bytes of each version of a file, oldest first, live or
// deleted.
func (s *Shed) Contents(fileID string) ([][]byte, error) {
	a, err := s.want(http.StatusOK, http.MethodGet, s.Files+"/"+fileID+"?include_versions=true&deleted=true", nil)
	if err != nil {
		return nil, err
	}
	var file struct {
		Versions []struct {
			VersionID string `json:"version_id"`
			Size      int64
		}
	}
	if err := json.Unmarshal(a.Body, &file); err != nil {
		return nil, err
	}
	contents := make([][]byte, len(file.Versions))
	for i, v := range file.Versions { // newest first
		content, err := s.Download(fileID, v.VersionID)
		if err != nil {
			return nil, err
		}
		if int64(len(content)) != v.Size {
			return nil, fmt.Errorf("version %s of %d bytes was downloaded as %d", v.VersionID, v.Size, len(content))
		}
		contents[len(contents)-1-i] = content
	}
	return contents, nil
}

// Download returns the bytes of a version, live or deleted.
func (s *Shed) Download(fileID, versionID string) ([]byte, error) {
	address, err := s.DownloadURL(fileID, versionID)
	if err != nil {
		return nil, err
	}
	a, err := s.want(http.StatusOK, http.MethodGet, address, nil)
	return a.Body, err
}

// DownloadURL returns a signed URL of a version, live or deleted.
func (s *Shed) DownloadURL(fileID, versionID string) (string, error) {
	var file struct{ Download string }
	a, err := s.want(http.StatusOK, http.MethodGet, s.Files+"/"+fileID+"?deleted=true&version_id="+versionID, nil)
	if err == nil {
		err = json.Unmarshal(a.Body, &file)
	}
	return file.Download, err
}
