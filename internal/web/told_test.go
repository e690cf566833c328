package web

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"testing"

	"github.com/coreshed/coreshed"
)

func TestLogged(t *testing.T) {
	open := &fs.PathError{Op: "open", Path: "/srv/ore/reserves.csv", Err: fs.ErrPermission}
	move := &os.LinkError{Op: "rename", Old: "ore/a.csv", New: "ore/b.csv", Err: fs.ErrExist}
	get := &url.Error{Op: "Get", URL: "https://bucket.example/ore/reserves.csv", Err: io.ErrUnexpectedEOF}
	for _, tt := range []struct {
		status int
		err    error
		want   string
	}{
		{404, coreshed.Errorf(coreshed.NotFound, "There is no reserves.csv.").Because(open), "not found"},
		{400, Refuse(400, "There is no parameter reserves."), "refused"},
		{500, fmt.Errorf("open object: %w", open), "open object: open …: permission denied"},
		{500, errors.Join(move, fmt.Errorf("sync: %w", get)), "rename … …: file already exists\nsync: Get \"…\": unexpected EOF"},
		{502, coreshed.Errorf(coreshed.StoreFailed, "exec").Because(io.ErrClosedPipe), "exec: io: read/write on closed pipe"},
		{502, coreshed.Errorf(coreshed.BadGateway, "reserves.csv cannot be read.").Because(open), "upstream failed: open …: permission denied"},
		{507, coreshed.Full, "no space left"},
		{200, fmt.Errorf("send: %w", open), "send: open …: permission denied"}, // it failed after its header was sent
	} {
		if got := logged(tt.status, tt.err); got != tt.want {
			t.Errorf("%d, %v: %q, want %q", tt.status, tt.err, got, tt.want)
		}
	}
}
