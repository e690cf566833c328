package scaleapi

import (
	"encoding/json"

	"github.com/coreshed/coreshed"
)

type strike struct {
	ID           int64      `json:"id"`
	Name         string     `json:"name"`
	Title        string     `json:"title"`
	Description  *string    `json:"description"`
	Job          *originJob `json:"job"`
	Created      string     `json:"created"`
	LastModified string     `json:"last_modified"`
}

type strikeDetails struct {
	strike
	Configuration json.RawMessage `json:"configuration"`
}

type scan struct {
	strike
	DryRunJob *originJob `json:"dry_run_job"`
	FileCount int64      `json:"file_count"`
}

type scanDetails struct {
	scan
	Configuration json.RawMessage `json:"configuration"`
}

type originJob struct {
	ID      int64       `json:"id"`
	JobType *jobTypeRef `json:"job_type"`
	Status  string      `json:"status"`
}

func strikeOf(o coreshed.Origin) strike {
	return strike{
		ID: o.ID, Name: o.Name, Title: o.Title, Description: known(o.Description), Job: originJobOf(o.Job),
		Created: stamp(o.CreatedAt), LastModified: stamp(o.ModifiedAt),
	}
}

func scanOf(s coreshed.Scan) scan {
	return scan{strikeOf(s.Origin), originJobOf(s.DryRun), s.Files}
}

func originJobOf(j *coreshed.OriginJob) *originJob {
	if j == nil {
		return nil
	}
	return &originJob{j.ID, jobTypeOf(&j.Type), j.Status}
}
