package scaleapi

import (
	"github.com/coreshed/coreshed"
)

// ingestObject is an arrival. What it refers to looks otherwise in a list than
// by itself.
type ingestObject struct {
	ID               int64       `json:"id"`
	FileName         string      `json:"file_name"`
	Scan             any         `json:"scan"`
	Strike           any         `json:"strike"`
	Status           string      `json:"status"`
	Reason           *string     `json:"reason"` // ours
	BytesTransferred *int64      `json:"bytes_transferred"`
	TransferStarted  *string     `json:"transfer_started"`
	TransferEnded    *string     `json:"transfer_ended"`
	MediaType        string      `json:"media_type"`
	FileSize         *int64      `json:"file_size"`
	DataTypeTags     []string    `json:"data_type_tags"`
	FilePath         string      `json:"file_path"`
	Workspace        any         `json:"workspace"`
	NewFilePath      string      `json:"new_file_path"`
	NewWorkspace     any         `json:"new_workspace"`
	Job              *ref        `json:"job"`
	IngestStarted    *string     `json:"ingest_started"`
	IngestEnded      *string     `json:"ingest_ended"`
	SourceFile       *sourceFile `json:"source_file"`
	DataStarted      *string     `json:"data_started"`
	DataEnded        *string     `json:"data_ended"`
	Created          string      `json:"created"`
	LastModified     string      `json:"last_modified"`
}

type sourceFile struct {
	file
	IsParsed bool    `json:"is_parsed"`
	Parsed   *string `json:"parsed"`
}

// originRef is a strike or scan as ingests in a list name it.
type originRef struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Title       string  `json:"title"`
	Description *string `json:"description"`
	Job         *ref    `json:"job"`
}

type scanRef struct {
	originRef
	DryRunJob *ref `json:"dry_run_job"`
}

func (k *kin) ingest(i coreshed.Ingest) ingestObject {
	o := ingestObject{
		ID: i.ID, FileName: i.Name, Status: string(i.Status), Reason: known(i.Reason),
		BytesTransferred: notNegative(i.Transferred), FileSize: notNegative(i.Size),
		TransferStarted: stampOrNull(i.TransferStarted), TransferEnded: stampOrNull(i.TransferEnded),
		MediaType: i.MediaType, DataTypeTags: list(i.Tags), FilePath: i.Path, NewFilePath: i.NewPath, Job: refOf(i.Job),
		IngestStarted: stampOrNull(i.IngestStarted), IngestEnded: stampOrNull(i.IngestEnded),
		DataStarted: stampOrNull(i.DataStarted), DataEnded: stampOrNull(i.DataEnded),
		Created: stamp(i.CreatedAt), LastModified: stamp(i.ModifiedAt),
	}
	if e, ok := k.entries[i.Entry]; ok {
		o.SourceFile = &sourceFile{k.q.file(e), !e.ParsedAt.IsZero(), stampOrNull(e.ParsedAt)}
	}
	return o
}

func notNegative(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func (k *kin) strikeRef(id int64) any {
	s, ok := k.strikes[id]
	if !ok {
		return nil
	}
	return originRefOf(s.Origin)
}

func (k *kin) scanRef(id int64) any {
	s, ok := k.scans[id]
	if !ok {
		return nil
	}
	return scanRef{originRefOf(s.Origin), jobRefOf(s.DryRun)}
}

func originRefOf(o coreshed.Origin) originRef {
	return originRef{o.ID, o.Name, o.Title, known(o.Description), jobRefOf(o.Job)}
}

func jobRefOf(j *coreshed.OriginJob) *ref {
	if j == nil {
		return nil
	}
	return &ref{j.ID}
}

func (k *kin) workspace(id int64) any {
	w, ok := k.workspaces[id]
	if !ok {
		return nil
	}
	return workspaceOf(w)
}

// details fills in what an ingest by itself tells of what it refers to.
func (k *kin) details(o *ingestObject, i coreshed.Ingest) error {
	if s, ok := k.strikes[i.Strike]; ok {
		configuration, err := k.a.shown(k.q, s.Configuration, k.q.view.Admin)
		if err != nil {
			return err
		}
		o.Strike = strikeDetails{strikeOf(s.Origin), configuration}
	}
	if s, ok := k.scans[i.Scan]; ok {
		configuration, err := k.a.shown(k.q, s.Configuration, k.q.view.Admin)
		if err != nil {
			return err
		}
		o.Scan = scanDetails{scanOf(s), configuration}
	}
	var err error
	if o.Workspace, err = k.workspaceDetails(i.Workspace); err != nil {
		return err
	}
	o.NewWorkspace, err = k.workspaceDetails(i.NewWorkspace)
	return err
}

func (k *kin) workspaceDetails(id int64) (any, error) {
	if _, ok := k.workspaces[id]; !ok {
		return nil, nil
	}
	return k.a.workspaceDetails(k.q, id, k.q.view.Admin)
}
