package lineageapi

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

// maxBody is the largest event, in bytes, as sent and as unpacked.
const maxBody = 4 << 20

var (
	errTooLarge = web.Refuse(http.StatusRequestEntityTooLarge, "The event is larger than 4 MiB.")
	errEncoding = web.Refuse(http.StatusUnsupportedMediaType, "An event is sent as it is or packed with gzip.")
)

// readBody reads the event, which clients may have packed.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body := io.Reader(http.MaxBytesReader(w, r.Body, maxBody))
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, notWhole(err)
		}
		body = unpacked
	default:
		return nil, errEncoding
	}
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, notWhole(err)
	}
	if len(data) > maxBody {
		return nil, errTooLarge
	}
	return data, nil
}

func notWhole(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	return coreshed.Errorf(coreshed.BadRequest, "The body did not arrive whole, or is not packed as it says.").Because(err)
}
