package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// transfers is how many files, and how many bodies, travel at once.
const transfers = 4

type putCmd struct {
	Paths       []string `arg:"" name:"file" help:"The files, then where they go: FILE… [DEST]. - is standard input."`
	Recursive   bool     `short:"r" help:"Upload folders with all that is in them."`
	ContentType string   `placeholder:"TYPE" help:"The media type to keep with the files."`
	NoResume    bool     `help:"Send every block, also those that an interrupted put has sent."`
}

// Help teaches the verb.
func (putCmd) Help() string {
	return `A DEST that ends in / is a folder; folders need not exist. A file that is there already gets a new version. A put that was interrupted goes on where it was when it is repeated.

    coreshed put collars.csv

    coreshed put *.tif survey/2026/

    coreshed put -r ./drilling archive/

    pg_dump mine | coreshed put - backup/mine.sql`
}

// source is a local file and its path on the server.
type source struct {
	local, path string
	size        int64
}

// put is a file that has been uploaded.
type put struct {
	Path string `json:"path"`
	client.Uploaded
}

// Run uploads the files.
func (c putCmd) Run(ctx context.Context, a *app) error {
	sources, err := c.sources(a)
	if err != nil {
		return err
	}
	defer removeSpool(sources)
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	var total int64
	for _, s := range sources {
		total += s.size
	}
	b := a.newBar(total)
	defer b.close()
	options := client.UploadOptions{ContentType: c.ContentType, Journal: c.journal(), Progress: b.add}
	done, err := each(ctx, sources, func(ctx context.Context, s source) (put, error) {
		up, err := files.UploadFile(ctx, client.Path(s.path), s.local, options)
		return put{s.path, up}, named(s.path, err)
	})
	b.close()
	return errors.Join(table(a, done, "", func(p put) []any {
		return []any{p.Path, sized(p.Size), "version", p.VersionID, resumed(p.Resumed)}
	}), err)
}

func resumed(n int64) string {
	if n == 0 {
		return ""
	}
	return "(" + sized(n) + " sent before)"
}

// journal is the folder for the notes that let an upload go on; "" without one.
func (c putCmd) journal() string {
	cache, err := os.UserCacheDir()
	if err != nil || c.NoResume {
		return ""
	}
	return filepath.Join(cache, "coreshed", "uploads")
}

// sources reads the arguments. With more than one, the last is the destination,
// as cp has it.
func (c putCmd) sources(a *app) ([]source, error) {
	locals, dest := c.Paths, ""
	if n := len(c.Paths); n > 1 {
		locals, dest = c.Paths[:n-1], c.Paths[n-1]
		if err := checkDest(locals, dest); err != nil {
			return nil, err
		}
	}
	var all []source
	for _, local := range locals {
		found, err := c.expand(a, local, dest)
		if err != nil {
			removeSpool(all)
			return nil, err
		}
		all = append(all, found...)
	}
	if err := distinct(all); err != nil {
		removeSpool(all)
		return nil, err
	}
	return all, nil
}

// distinct refuses two files for one path: which would be on top is chance.
func distinct(all []source) error {
	from := map[string]string{}
	for _, s := range all {
		key := coreshed.FoldPath(s.path)
		if other, taken := from[key]; taken {
			return usagef("%s and %s would both be %s", other, s.local, s.path)
		}
		from[key] = s.local
	}
	return nil
}

// checkDest refuses what would put one file under the name of another.
func checkDest(locals []string, dest string) error {
	if strings.HasSuffix(dest, "/") {
		return nil
	}
	if len(locals) > 1 {
		return usagef("several files go into a folder, and %q does not end in /: to upload it too, end with a slash alone", dest)
	}
	if info, err := os.Stat(dest); err == nil && info.Mode().IsRegular() {
		return usagef("%q is a file here: say / as the last argument to upload both, or /%s to upload %s under that name", dest, dest, locals[0])
	}
	return nil
}

func (c putCmd) expand(a *app, local, dest string) ([]source, error) {
	if local == "-" {
		return spool(a, dest)
	}
	info, err := os.Stat(local)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []source{{local, target(dest, filepath.Base(local)), info.Size()}}, nil
	}
	if !c.Recursive {
		return nil, usagef("%s is a folder: say -r", local)
	}
	return walk(a, local, dest)
}

// target is where a file with that name goes.
func target(dest, name string) string {
	if dest == "" || strings.HasSuffix(dest, "/") {
		return strings.TrimLeft(dest+name, "/")
	}
	return strings.TrimLeft(dest, "/")
}

// walk finds the regular files below a folder. The folder's own name is part of
// their paths, except for "." and "..".
func walk(a *app, root, dest string) ([]source, error) {
	prefix := strings.TrimLeft(dest, "/")
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	if base := filepath.Base(root); base != "." && base != ".." && base != string(filepath.Separator) {
		prefix += base + "/"
	}
	var found []source
	err := filepath.WalkDir(root, func(local string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(local)
		if err != nil || !info.Mode().IsRegular() {
			fmt.Fprintf(a.stderr, "coreshed: left out %s, which is no file\n", visible(local))
			return nil
		}
		below, err := filepath.Rel(root, local)
		if err != nil {
			return err
		}
		found = append(found, source{local, prefix + filepath.ToSlash(below), info.Size()})
		return nil
	})
	return found, err
}

// spool writes standard input to a file: how long an upload is must be known
// when it begins, and parts of it may have to be sent again.
func spool(a *app, dest string) ([]source, error) {
	if dest == "" || strings.HasSuffix(dest, "/") {
		return nil, usagef("standard input needs a name: coreshed put - %sNAME", dest)
	}
	f, err := os.CreateTemp("", spoolPattern)
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, a.stdin)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("read standard input: %w", err), os.Remove(f.Name()))
	}
	return []source{{f.Name(), path.Clean(target(dest, "")), n}}, nil
}

const spoolPattern = "coreshed-put-*.spool"

func removeSpool(sources []source) {
	for _, s := range sources {
		if ok, _ := filepath.Match(filepath.Join(filepath.Clean(os.TempDir()), spoolPattern), s.local); ok {
			_ = os.Remove(s.local)
		}
	}
}

// named puts a file's name before an error.
func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// fatal reports whether an error will meet every other file too.
func fatal(ctx context.Context, err error) bool {
	switch coreshed.KindOf(err) {
	case coreshed.Forbidden, coreshed.Unauthenticated, coreshed.InvalidToken, coreshed.Full:
		return true
	}
	return ctx.Err() != nil
}
