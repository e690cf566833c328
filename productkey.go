package coreshed

import (
	"crypto/md5" //nolint:gosec // the contract's hash: it identifies, it protects nothing
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// KeyOf is the hash that names what is the same: MD5, in hex, of texts laid end
// to end with nothing between them. Empty ones count for nothing; it fails when
// there is none at all. Contract: Scale v6 §6.6.
func KeyOf(parts ...string) (string, error) {
	if len(parts) == 0 {
		return "", errors.New("a key is made of at least one text")
	}
	h := md5.New() //nolint:gosec // see above
	for _, p := range parts {
		io.WriteString(h, p) //nolint:errcheck // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ProductKey tells which products are the same thing made again: what a job type
// makes, under one file name, from equal inputs and values. An input is named by
// its own product key, a source by [SourceKey].
func ProductKey(jobType int64, fileName string, inputs []string, values map[string]json.RawMessage) string {
	parts := []string{strconv.FormatInt(jobType, 10), fileName}
	parts = append(parts, slices.Sorted(slices.Values(inputs))...)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+"="+valueText(values[name]))
	}
	key, err := KeyOf(parts...)
	if err != nil {
		panic(err) // there are two parts at least
	}
	return key
}

// SourceKey stands for a source in the keys of what is made from it: its file,
// so that a new version of it makes the product anew, and a file of the same
// name in another folder makes another product.
func SourceKey(file UUID) string { return strings.ReplaceAll(file.String(), "-", "") }

// valueText is a text as it is, and any other value as JSON.
func valueText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
