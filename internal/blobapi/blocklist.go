package blobapi

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what the protocol's clients send
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/catalog"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

// maxBlockList bounds the XML of a block list: as many of the longest ids as a
// list may have, with room for their elements.
const maxBlockList = 16 << 20

// putBlockList is Put Block List: it commits staged blocks as the content.
func (a *api) putBlockList(w http.ResponseWriter, q *request) error {
	if err := q.checkBody(maxBlockList); err != nil {
		return err
	}
	claims, err := sums(q.Header)
	if err != nil {
		return err
	}
	stored, err := md5Header(q.Header, "X-Ms-Blob-Content-Md5")
	if err != nil {
		return err
	}
	properties, err := listProperties(q.Header)
	if err != nil {
		return err
	}
	list, sum, err := readBlockList(q.body, claims)
	if err != nil {
		return err
	}
	if err := a.checkWrite(q); err != nil {
		return err
	}
	if err := a.checkCommitted(q, list); err != nil {
		return err
	}
	v, err := a.catalog.PutBlockList(q.Context(), q.target, list.ids, properties, stored)
	if err != nil {
		return err
	}
	setSums(w.Header(), catalog.Sums{MD5: claims.MD5, CRC64: sum})
	return committed(w, v)
}

// readBlockList reads a list, checks what is claimed of its XML, and returns
// the CRC-64 of that.
func readBlockList(body io.Reader, claims catalog.Sums) (blockList, []byte, error) {
	whole, crc := md5.New(), catalog.NewCRC64() //nolint:gosec // see the import
	list, err := parseBlockList(io.TeeReader(body, io.MultiWriter(whole, crc)))
	if err != nil {
		return list, nil, err
	}
	if claims.MD5 != nil && !bytes.Equal(whole.Sum(nil), claims.MD5) {
		return list, nil, catalog.ErrMD5
	}
	sum := catalog.CRC64Sum(crc)
	if claims.CRC64 != nil && !bytes.Equal(sum, claims.CRC64) {
		return list, nil, catalog.ErrCRC64
	}
	return list, sum, nil
}

// checkCommitted refuses blocks that are asked for as committed before
// anything is. After the commit, only the same list is accepted at all.
func (a *api) checkCommitted(q *request, list blockList) error {
	if !list.committed {
		return nil
	}
	s, err := a.catalog.Slot(q.Context(), q.target)
	if err != nil {
		return err
	}
	if !s.Committed {
		return refuse(http.StatusBadRequest, "InvalidBlockList", "The specified block list is invalid: no block of this blob has been committed.")
	}
	return nil
}

// getBlockList is Get Block List.
func (a *api) getBlockList(w http.ResponseWriter, q *request) error {
	committed, staged, err := q.blockListType()
	if err != nil {
		return err
	}
	c, err := readConditions(q.Header)
	if err != nil {
		return err
	}
	s, err := a.catalog.Slot(q.Context(), q.target)
	if err != nil {
		return err
	}
	if !q.sees(s) || (!s.Committed && s.Blocks == 0) {
		return notFound()
	}
	if s.Committed {
		if err := c.forRead(s.Version); err != nil {
			return err
		}
	}
	body, err := a.blockLists(q.Context(), s, committed, staged)
	if err != nil {
		return err
	}
	return a.sendBlockLists(w, s, body)
}

func (a *api) blockLists(ctx context.Context, s store.Slot, committed, staged bool) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xmlDeclaration + "<BlockList>")
	if committed {
		blocks, err := a.db.CommittedBlocks(ctx, s.Version.ID)
		if err != nil {
			return nil, err
		}
		writeBlocks(&b, "CommittedBlocks", blocks)
	}
	if staged {
		blocks, err := a.db.Blocks(ctx, s.Upload)
		if err != nil {
			return nil, err
		}
		writeBlocks(&b, "UncommittedBlocks", blocks)
	}
	b.WriteString("</BlockList>")
	return b.Bytes(), nil
}

func (a *api) sendBlockLists(w http.ResponseWriter, s store.Slot, body []byte) error {
	h := w.Header()
	if s.Committed {
		h.Set("Etag", s.Version.ETag)
		h.Set("Last-Modified", httpTime(s.Version.CreatedAt))
	}
	h.Set("X-Ms-Blob-Content-Length", strconv.FormatInt(s.Version.Size, 10))
	h.Set("Content-Type", "application/xml")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	out := web.NewDownload(w, a.patience)
	if _, err := out.Write(body); err != nil {
		return err
	}
	return out.End()
}

// blockListType returns which lists are asked for.
func (q *request) blockListType() (committed, staged bool, err error) {
	switch q.query.Get("blocklisttype") {
	case "", "committed":
		return true, false, nil
	case "uncommitted":
		return false, true, nil
	case "all":
		return true, true, nil
	}
	return false, false, refuse(http.StatusBadRequest, "InvalidQueryParameterValue",
		"Value for one of the query parameters specified in the request URI is invalid: blocklisttype must be committed, uncommitted or all.")
}

func writeBlocks(b *bytes.Buffer, name string, blocks []coreshed.Block) {
	b.WriteString("<" + name + ">")
	for _, block := range blocks {
		b.WriteString("<Block><Name>")
		escape(b, block.ID)
		fmt.Fprintf(b, "</Name><Size>%d</Size></Block>", block.Size)
	}
	b.WriteString("</" + name + ">")
}
