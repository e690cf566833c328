package scaleapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreshed/coreshed/internal/web"
)

// The media types of bodies that are read.
const (
	mediaJSON      = "application/json"
	mediaForm      = "application/x-www-form-urlencoded"
	mediaMultipart = "multipart/form-data"
)

// maxBody bounds a request's body: none here holds the bytes of a file.
const maxBody = 1 << 20

// readParams reads a request's query string, and its body whatever the method.
func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	var p params
	var err error
	if p.query, err = web.Query(r.URL.RawQuery); err != nil {
		return p, err
	}
	if r.ContentLength == 0 {
		return p, nil
	}
	p.body, err = readBody(w, r)
	return p, err
}

func readBody(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, web.Refuse(http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB.")
	}
	if err != nil {
		return nil, bad("The body did not arrive whole.")
	}
	if len(data) == 0 {
		return nil, nil
	}
	sent := r.Header.Get("Content-Type")
	media, options, err := mime.ParseMediaType(sent)
	if err != nil {
		media = ""
	}
	switch media {
	case mediaJSON:
		return parseObject(data)
	case mediaForm:
		form, err := url.ParseQuery(string(data))
		if err != nil {
			return nil, bad("The form in the body is malformed.")
		}
		return fields(form), nil
	case mediaMultipart:
		form, err := multipart.NewReader(bytes.NewReader(data), options["boundary"]).ReadForm(maxBody)
		if err != nil {
			return nil, bad("Multipart form parse error - the form in the body is malformed.")
		}
		return fields(form.Value), nil
	}
	return nil, web.Refuse(http.StatusUnsupportedMediaType, "Unsupported media type %s in request.", quoted(strings.ToValidUTF8(sent, "")))
}

func fields(form url.Values) map[string]any {
	body := map[string]any{}
	for name, values := range form {
		body[name] = values
	}
	return body
}

// parseObject reads a JSON object, in which numbers keep their digits.
func parseObject(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		return nil, bad("JSON parse error - %s", strings.ToValidUTF8(err.Error(), ""))
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, bad("The body must be a JSON object.")
	}
	return object, nil
}
