package broker

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/minio/minio-go/v7"
)

// Erase implements Broker. A bucket that keeps versions must let its versions be
// listed and removed: fs.ErrPermission when it does not, or does not tell whether
// it keeps them.
func (b *bucket) Erase(ctx context.Context, was Object) error {
	if err := checkKey(was.Path); err != nil {
		return err
	}
	keeps, err := b.keepsVersions(ctx)
	if err != nil {
		return err
	}
	if !keeps {
		return erase(ctx, b, was)
	}
	found, err := b.versions(ctx, was.Path)
	if err != nil {
		return err
	}
	isOurs := func(o minio.ObjectInfo) bool { return !o.IsDeleteMarker && objectIn(o).Same(was) }
	isOther := func(o minio.ObjectInfo) bool { return !o.IsDeleteMarker && !isOurs(o) }
	// The markers last: while there is one, nothing below it is seen.
	marked := !slices.ContainsFunc(found, isOther)
	for _, goes := range []func(minio.ObjectInfo) bool{isOurs, func(o minio.ObjectInfo) bool { return o.IsDeleteMarker && marked }} {
		for _, o := range found {
			if !goes(o) {
				continue
			}
			err := b.core.RemoveObject(ctx, b.name, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID})
			if err := ignoreAbsent(failed("remove version of object", err, ErrChanged)); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepsVersions reports whether the bucket may hold versions of objects that were
// replaced or deleted: also one that has ceased to keep new ones.
func (b *bucket) keepsVersions(ctx context.Context) (bool, error) {
	c, err := b.core.GetBucketVersioning(ctx, b.name)
	var response minio.ErrorResponse
	if errors.As(err, &response) && response.StatusCode == http.StatusNotImplemented {
		return false, nil // a server that knows none
	}
	return c.Status != "", notAbsent(failed("ask bucket whether it keeps versions", err, ErrUnavailable))
}

// versions lists what a bucket has of a key, the newest first, with the markers
// of deletions.
func (b *bucket) versions(ctx context.Context, key string) ([]minio.ObjectInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var list []minio.ObjectInfo
	for info := range b.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: key, Recursive: true, WithVersions: true}) {
		if info.Err != nil {
			return nil, notAbsent(failed("list versions of object", info.Err, ErrUnavailable))
		}
		if info.Key > key {
			break // it only begins like it
		}
		list = append(list, info)
	}
	return list, ctx.Err()
}
