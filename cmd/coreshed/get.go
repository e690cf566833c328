package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type getCmd struct {
	Path      string `arg:"" help:"A file's path or id; with -r, a folder."`
	Dest      string `arg:"" optional:"" default:"." help:"A local folder or file; - is standard output."`
	Version   int64  `placeholder:"ID" help:"The version; else the current one."`
	Deleted   bool   `help:"Also a deleted file; name it by its id."`
	Recursive bool   `short:"r" help:"Download a folder with all that is in it."`
}

// Help teaches the verb.
func (getCmd) Help() string {
	return `A file takes its name when it is whole and matches the server's checksum. A get that was interrupted goes on where it was when it is repeated.

    coreshed get survey/mag.tif

    coreshed get survey/mag.tif old.tif --version 1701303755570785597

    coreshed get -r survey/2026/ ./copy

    coreshed get collars.csv - | head`
}

// got is a file that has been downloaded.
type got struct {
	Local     string        `json:"local"`
	FileID    coreshed.UUID `json:"file_id"`
	VersionID int64         `json:"version_id,string"`
	Size      int64         `json:"size"`
}

// Run downloads.
func (c getCmd) Run(ctx context.Context, a *app) error {
	c.Dest = first(c.Dest, ".")
	if c.Recursive && (c.Version != 0 || c.Deleted || c.Dest == "-") {
		return usagef("-r goes with neither --version, --deleted nor standard output")
	}
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	if c.Recursive {
		return c.folder(ctx, a, files)
	}
	file, err := files.Get(ctx, ref(c.Path), client.GetOptions{VersionID: c.Version, Deleted: c.Deleted})
	if err != nil {
		return named(c.Path, err)
	}
	b := a.newBar(file.Size)
	defer b.close()
	options := client.DownloadOptions{VersionID: file.VersionID, Deleted: c.Deleted, Progress: b.add}
	if c.Dest == "-" {
		_, err = files.Download(ctx, client.ID(file.ID), a.stdout, options)
		return named(c.Path, err)
	}
	local, err := c.local(file)
	if err != nil {
		return err
	}
	_, err = files.DownloadFile(ctx, client.ID(file.ID), local, options)
	b.close()
	if err != nil {
		return named(c.Path, err)
	}
	return a.printGot([]got{{local, file.ID, file.VersionID, file.Size}})
}

func (a *app) printGot(list []got) error {
	return table(a, list, "", func(g got) []any { return []any{g.Local, sized(g.Size), "version", g.VersionID} })
}

// local is the file to write: in the destination, if that is a folder.
func (c getCmd) local(file client.File) (string, error) {
	info, err := os.Stat(c.Dest)
	if (err != nil || !info.IsDir()) && !os.IsPathSeparator(c.Dest[len(c.Dest)-1]) {
		return c.Dest, nil
	}
	name, err := filepath.Localize(path.Base(file.Path))
	if err != nil {
		return "", fmt.Errorf("%s cannot be the name of a file here: say another", file.Path)
	}
	if err := os.MkdirAll(c.Dest, 0o777); err != nil {
		return "", err
	}
	return filepath.Join(c.Dest, name), nil
}

// folder downloads what is below a folder, whose own name is left out.
func (c getCmd) folder(ctx context.Context, a *app, files *client.Files) error {
	prefix := strings.Trim(c.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	var found []client.File
	var total int64
	for file, err := range files.List(ctx, coreshed.Filter{Folder: prefix}) {
		if err != nil {
			return err
		}
		found = append(found, file)
		total += file.Size
	}
	if len(found) == 0 {
		return coreshed.Errorf(coreshed.NotFound, "there is no file below %s", c.Path)
	}
	b := a.newBar(total)
	defer b.close()
	done, err := each(ctx, found, func(ctx context.Context, file client.File) (got, error) {
		local, err := c.localBelow(below(file.Path, prefix))
		if err != nil {
			return got{}, named(file.Path, err)
		}
		_, err = files.DownloadFile(ctx, client.ID(file.ID), local,
			client.DownloadOptions{VersionID: file.VersionID, Progress: b.add})
		return got{local, file.ID, file.VersionID, file.Size}, named(file.Path, err)
	})
	b.close()
	return errors.Join(a.printGot(done), err)
}

// localBelow is the file to write for a path below the folder. It makes the
// folders on the way to it.
func (c getCmd) localBelow(path string) (string, error) {
	local, err := filepath.Localize(path)
	if err != nil {
		return "", errors.New("that cannot be the name of a file here")
	}
	local = filepath.Join(c.Dest, local)
	return local, os.MkdirAll(filepath.Dir(local), 0o777)
}

// below cuts from a path as many folders as a prefix has. The prefix matches it
// by folded key, so its length says nothing.
func below(file, prefix string) string {
	segments := strings.Split(file, "/")
	return strings.Join(segments[strings.Count(prefix, "/"):], "/")
}
