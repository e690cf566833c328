package coreshed_test

import (
	"mime"
	"testing"

	"github.com/coreshed/coreshed"
)

// TestMediaType holds the rules of contract Scale v6 §6.1.
func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{
		"a.json": "application/json", "a.geojson": "application/vnd.geo+json", "a.h5": "image/x-hdf5-image",
		"a.ntf": "image/x-nitf-image", "a.NITF": "image/x-nitf-image", "a.xml": "application/xml",
		"a.txt": "text/plain", "a.tif": "image/tiff", "A.TIFF": "image/tiff", "a.png": "image/png", "a.csv": "text/csv",
		"a.kml": "application/vnd.google-earth.kml+xml", "a.kmz": "application/vnd.google-earth.kmz",
		"a.jp2": "image/jp2", "a.nc": "application/x-netcdf", "a.zip": "application/zip", "a.pdf": "application/pdf",

		"a.tar.gz": "application/x-tar", "a.tgz": "application/x-tar", "a.TAR.Z": "application/x-tar", "a.tbz2": "application/x-tar",
		"a.csv.xz": "text/csv", "a.svgz": "image/svg+xml", "a.geojson.gz": "application/vnd.geo+json",

		"a.gz": unknown, "a.gz.gz": unknown, "a.csv.gz.gz": unknown, ".gz": unknown, "": unknown, "a": unknown, "a.": unknown, ".txt": unknown, "..": unknown,
		"folder.csv/a": unknown, "folder/.csv": unknown, "folder.x/a.csv": "text/csv", "a\n.csv": "text/csv", "a.\xff": unknown,
		"a.tgz.txt": "text/plain", ".tgz": unknown,
	} {
		if got := coreshed.MediaType(name); got != want {
			t.Errorf("MediaType(%q) = %q, want %q", name, got, want)
		}
	}
}

const unknown = coreshed.DefaultContentType

func TestMediaTypeTableIsWellFormed(t *testing.T) {
	for _, ext := range []string{"las", "gpkg", "parquet", "docx", "7z"} {
		got := coreshed.MediaType("a." + ext)
		if _, params, err := mime.ParseMediaType(got); err != nil || len(params) > 0 || got == unknown {
			t.Errorf("%s is %q: %v", ext, got, err)
		}
	}
}
