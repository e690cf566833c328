package scaleapi

import (
	"net/http"
	"time"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// strikeStatus is what a strike has ingested in a range of time, hour by hour.
type strikeStatus struct {
	Strike     strike       `json:"strike"`
	MostRecent *string      `json:"most_recent"`
	Files      int64        `json:"files"`
	Size       int64        `json:"size"`
	Values     []hourStatus `json:"values"`
}

type hourStatus struct {
	Time  string `json:"time"`
	Files int64  `json:"files"`
	Size  int64  `json:"size"`
}

const maxStatusRange = 31 * 24 * time.Hour

func (a *api) ingestStatus(w http.ResponseWriter, q *request) error {
	from, until, err := a.statusRange(q)
	if err != nil {
		return err
	}
	byIngest, err := q.boolean("use_ingest_time")
	if err != nil {
		return err
	}
	hours, err := a.DB.IngestHours(q.Context(), q.view, from.UnixMicro(), until.UnixMicro(), byIngest != nil && *byIngest)
	if err != nil {
		return err
	}
	by := map[int64][]store.IngestHour{}
	for _, h := range hours {
		by[h.Strike] = append(by[h.Strike], h)
	}
	return sendPage(w, q, func(p coreshed.Page) ([]coreshed.Strike, int64, error) {
		return a.DB.Strikes(q.Context(), q.view, coreshed.OriginFilter{}, []coreshed.Order{{Field: "id"}}, p)
	}, func(s coreshed.Strike) strikeStatus { return strikeStatusOf(s, by[s.ID], from, until) })
}

// statusRange reads the range that is asked for: today without one.
func (a *api) statusRange(q *request) (from, until time.Time, err error) {
	today := a.Now().UTC().Truncate(24 * time.Hour)
	from, until = today, today.Add(23*time.Hour+59*time.Minute)
	asked, err := q.window("started", "ended", a.Now())
	if asked.From != nil {
		from = time.UnixMicro(*asked.From).UTC()
	}
	if asked.Until != nil {
		until = time.UnixMicro(*asked.Until).UTC()
	}
	if span := until.Sub(from); err == nil && (span < 0 || span > maxStatusRange) {
		err = bad("Time range must be between 0 and 31 days, 0:00:00")
	}
	return from, until, err
}

func strikeStatusOf(s coreshed.Strike, found []store.IngestHour, from, until time.Time) strikeStatus {
	status := strikeStatus{Strike: strikeOf(s.Origin), Values: []hourStatus{}}
	byHour := map[int64]store.IngestHour{}
	var latest int64
	for _, h := range found {
		byHour[h.Hour] = h
		status.Files, status.Size = status.Files+h.Files, status.Size+h.Bytes
		latest = max(latest, h.Latest)
	}
	if len(found) > 0 {
		status.MostRecent = stampOrNull(time.UnixMicro(latest))
	}
	for at := from.Truncate(time.Hour); !at.After(until); at = at.Add(time.Hour) {
		h := byHour[at.Unix()/3600]
		status.Values = append(status.Values, hourStatus{stamp(at), h.Files, h.Bytes})
	}
	return status
}
