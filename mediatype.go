package coreshed

import (
	_ "embed" // the table of media types
	"path"
	"strings"
	"sync"
)

// MediaType guesses the media type of a file by the end of its name, in any
// case. The suffix of a compression is looked through: "a.tar.gz" is a tar. What
// is not known is DefaultContentType. Contract: Scale v6 §6.1.
func MediaType(name string) string {
	name = strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	name = strings.TrimLeft(name, ".") // a dot at the start begins no extension
	stem, ext := cutExt(name)
	if long, ok := compressedSuffix[ext]; ok {
		stem, ext = cutExt(stem + long)
	}
	if compressions[ext] {
		_, ext = cutExt(stem)
	}
	if t, ok := mediaTypes()[ext]; ok {
		return t
	}
	return DefaultContentType
}

func cutExt(name string) (stem, ext string) {
	ext = path.Ext(name)
	return name[:len(name)-len(ext)], ext
}

// compressions are the extensions that say how a file is compressed, and not
// what it is.
var compressions = map[string]bool{".gz": true, ".bz2": true, ".xz": true, ".z": true, ".br": true}

// compressedSuffix are short forms of two extensions.
var compressedSuffix = map[string]string{
	".svgz": ".svg.gz", ".tgz": ".tar.gz", ".taz": ".tar.gz", ".tz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz",
}

// expectedTypes are the types that geospatial tools expect, whatever the usual
// table says.
var expectedTypes = map[string]string{
	".geojson": "application/vnd.geo+json",
	".h5":      "image/x-hdf5-image",
	".json":    "application/json",
	".nitf":    "image/x-nitf-image",
	".ntf":     "image/x-nitf-image",
	".xml":     "application/xml",
}

// usualTypes is the usual table: a type and its extensions a line.
//
//go:embed mediatypes.txt
var usualTypes string

// mediaTypes are the types by extension.
var mediaTypes = sync.OnceValue(func() map[string]string {
	types := map[string]string{}
	for line := range strings.Lines(usualTypes) {
		words := strings.Fields(line)
		for _, ext := range words[1:] {
			types["."+ext] = words[0]
		}
	}
	for ext, t := range expectedTypes {
		types[ext] = t
	}
	return types
})
