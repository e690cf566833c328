package coreshed

import (
	"path"
	"strings"
)

// MediaType guesses the media type of a file by the end of its name, in any
// case. The suffix of a compression is looked through: "a.tar.gz" is a tar. What
// is not known is DefaultContentType. Contract: Scale v6 §6.1.
func MediaType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := mediaTypes[ext]; ok {
		return t
	}
	switch ext {
	case ".gz", ".bz2", ".xz", ".z", ".br":
		if t, ok := mediaTypes[strings.ToLower(path.Ext(name[:len(name)-len(ext)]))]; ok {
			return t
		}
	}
	return DefaultContentType
}

// mediaTypes are the types by extension: the ones that geospatial tools expect,
// then the usual table.
var mediaTypes = map[string]string{
	".geojson": "application/vnd.geo+json",
	".h5":      "image/x-hdf5-image",
	".json":    "application/json",
	".nitf":    "image/x-nitf-image",
	".ntf":     "image/x-nitf-image",
	".xml":     "application/xml",

	".csv":  "text/csv",
	".gif":  "image/gif",
	".html": "text/html",
	".jp2":  "image/jp2",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".kml":  "application/vnd.google-earth.kml+xml",
	".kmz":  "application/vnd.google-earth.kmz",
	".nc":   "application/x-netcdf",
	".pdf":  "application/pdf",
	".png":  "image/png",
	".tar":  "application/x-tar",
	".tgz":  "application/x-tar",
	".tif":  "image/tiff",
	".tiff": "image/tiff",
	".txt":  "text/plain",
	".zip":  "application/zip",
}
