package nativeapi

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// purgeReport is what a purge has removed, or is to: by ids, hashes and sizes.
// It is written while it is read, so that it can be long.
func (a *api) purgeReport(w http.ResponseWriter, q *request) error {
	format := q.query.Get("format")
	if format != "" && format != "json" && format != "csv" {
		bad := coreshed.Errorf(coreshed.Invalid, "The parameter format must be json or csv.")
		bad.Field = "format"
		return bad
	}
	p, err := a.DB.Purge(q.Context(), q.view, q.purge)
	if err != nil {
		return err
	}
	if p.ExecutedAt.IsZero() {
		return coreshed.Errorf(coreshed.Conflict, "The purge has not been executed: there is no report yet.")
	}
	details, err := a.details(q, p)
	if err != nil {
		return err
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	b := bufio.NewWriter(w)
	if format == "csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="purge-`+p.UUID.String()+`.csv"`)
		err = a.reportCSV(b, q, p)
	} else {
		w.Header().Set("Content-Type", "application/json")
		err = a.reportJSON(b, q, p, details)
	}
	if err != nil {
		return err
	}
	return b.Flush()
}

func (a *api) reportJSON(w io.Writer, q *request, p coreshed.Purge, details purgeDetails) error {
	head, err := json.Marshal(details)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(head[:len(head)-1], `,"audit":[`...)); err != nil {
		return err
	}
	if err := a.eachEntry(q, p, elements[purgeEntry](w)); err != nil {
		return err
	}
	if _, err := io.WriteString(w, `],"items":[`); err != nil {
		return err
	}
	if err := a.eachItem(q, p, elements[purgeItem](w)); err != nil {
		return err
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// elements writes the elements of a JSON array, one at a time.
func elements[T any](w io.Writer) func(T) error {
	between := ""
	return func(e T) error {
		text, err := json.Marshal(e)
		if err == nil {
			_, err = w.Write(append([]byte(between), text...))
		}
		between = ",\n"
		return err
	}
}

// reportHead are the columns of a report for spreadsheets.
var reportHead = []string{
	"kind", "id", "workspace", "file_id", "version_id", "type", "size", "sha256", "md5", "bytes", "state", "error", "depth", "via_kind", "via_id",
}

func (a *api) reportCSV(w io.Writer, q *request, p coreshed.Purge) error {
	table := csv.NewWriter(w)
	if err := table.Write(reportHead); err != nil {
		return err
	}
	if err := a.eachItem(q, p, func(i purgeItem) error {
		row := []string{
			i.Kind, decimal(i.ID), i.Workspace.Name, "", deref(i.VersionID), deref(i.Type), decimal(i.Size), deref(i.SHA256), deref(i.MD5),
			deref(i.Bytes), i.State, deref(i.Error), decimal(i.Depth), "", "",
		}
		if i.FileID != nil {
			row[3] = i.FileID.String()
		}
		if len(i.Via) > 0 {
			row[13] = i.Via[0].Kind
			if id := i.Via[0].ID; id != nil {
				row[14] = decimal(*id)
			}
		}
		return table.Write(row)
	}); err != nil {
		return err
	}
	table.Flush()
	return table.Error()
}

// eachItem goes through the set of a purge, page by page.
func (a *api) eachItem(q *request, p coreshed.Purge, do func(purgeItem) error) error {
	page := store.PurgeItemPage{Limit: maxLimit}
	for {
		found, more, err := a.items(q, p, page)
		if err != nil {
			return err
		}
		for _, i := range found {
			if err := do(i); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		last := found[len(found)-1]
		page.After = &coreshed.PurgeVia{Kind: coreshed.PurgeKind(last.Kind), ID: last.ID}
	}
}

// eachEntry goes through what the audit log tells of a purge, page by page.
func (a *api) eachEntry(q *request, p coreshed.Purge, do func(purgeEntry) error) error {
	for after := int64(0); ; {
		found, err := a.DB.PurgeEntries(q.Context(), p, after, maxLimit)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, e := range found {
			if err := do(purgeEntryOf(e)); err != nil {
				return err
			}
		}
		after = found[len(found)-1].ID
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
