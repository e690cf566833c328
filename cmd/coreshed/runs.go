package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

// runsCmd is the verb "run".
type runsCmd struct {
	Record    runRecordCmd    `cmd:"" help:"Record what was made from which files, and upload it."`
	Ls        runLsCmd        `cmd:"" help:"List runs, the newest first."`
	Show      runShowCmd      `cmd:"" help:"Show a run, with what it has read and put out."`
	Publish   runPublishCmd   `cmd:"" help:"Publish again what a run has put out."`
	Unpublish runUnpublishCmd `cmd:"" help:"Take back what a run has published; its files stay."`
}

type runRecordCmd struct {
	Type        string   `required:"" placeholder:"NAME" help:"What was done: the name of a program or a step."`
	TypeVersion string   `required:"" name:"version" placeholder:"V" help:"And its version."`
	Input       []string `short:"i" sep:"none" placeholder:"[NAME=]PATH" help:"A file of the workspace that was read. May be repeated."`
	Made        []string `sep:"none" placeholder:"FILE[=PATH]" help:"A local file that was made, and where it goes; else the server chooses. May be repeated."`
	Value       []string `sep:"none" placeholder:"NAME=VALUE" help:"Something else that went in. May be repeated."`
	ID          string   `name:"id" placeholder:"KEY" help:"Your own id of the run: recorded again under it, it is the same run, and goes on where it was."`
	Failed      string   `placeholder:"WHY" help:"The run has failed: what it has put out is kept and never published."`
	Suffix      bool     `help:"Number the path of an output when another product has it."`
}

// Help teaches the verb.
func (runRecordCmd) Help() string {
	return `Records one run that is over: what it has read, as the files are now, and what it has made, which is uploaded and becomes the current version of its file. What is made again in the same way from the same files supersedes what was made before. Beside an output, FILE.metadata.json describes it, as coreshed describe does.

    coreshed run record --type desurvey --version 2.1 --input survey/collars.csv --input survey/traces.csv --made traces.dxf=model/traces.dxf

    coreshed run record --type tile --version 1 --input DEM=grid/dem.tif --value level=3 --made tiles.zip --id nightly-2026-03-01`
}

// product is an output that has been recorded.
type product struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Version int64  `json:"version"` // its id in the catalogue
}

// Run records a run.
func (c runRecordCmd) Run(ctx context.Context, a *app) error {
	n, locals, err := c.run()
	if err != nil {
		return err
	}
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	r, err := files.RecordRun(ctx, n)
	if err != nil {
		return err
	}
	products, err := c.upload(ctx, a, files, r, n.Outputs, locals)
	if err == nil {
		r, err = c.end(ctx, files.Client(), r)
	} else if c.ID == "" {
		// Nobody can go on with it.
		_, failed := files.Client().FailRun(context.WithoutCancel(ctx), r.Number, client.RunEnd{Error: json.RawMessage(`{"name": "upload-failed", "title": "The upload failed"}`)})
		err = errors.Join(err, failed)
	}
	if err != nil {
		return err
	}
	return c.print(a, r, products)
}

func (c runRecordCmd) end(ctx context.Context, cl *client.Client, r client.Run) (client.Run, error) {
	if r.Status.Ended() {
		return r, nil
	}
	if c.Failed == "" {
		return cl.CompleteRun(ctx, r.Number, client.RunEnd{})
	}
	why, err := json.Marshal(map[string]string{"name": "failed", "title": c.Failed})
	if err != nil {
		return r, err
	}
	return cl.FailRun(ctx, r.Number, client.RunEnd{Error: why})
}

// run reads the flags.
func (c runRecordCmd) run() (n client.NewRun, locals []string, err error) {
	n = client.NewRun{ID: c.ID, Type: client.RunType{Name: c.Type, Version: c.TypeVersion}, Start: &client.RunStart{}}
	for _, text := range c.Input {
		name, path, ok := strings.Cut(text, "=")
		if !ok {
			name, path = "INPUT", text
		}
		if name == "" || path == "" {
			return n, nil, usagef("--input %q: say [NAME=]PATH", text)
		}
		n.Inputs = append(n.Inputs, client.RunInput{Name: name, Path: path})
	}
	if n.Values, err = c.values(); err != nil {
		return n, nil, err
	}
	for _, text := range c.Made {
		local, path, _ := strings.Cut(text, "=")
		info, err := os.Stat(local)
		if err != nil {
			return n, nil, err
		}
		if !info.Mode().IsRegular() {
			return n, nil, usagef("%s is not a regular file", local)
		}
		base := filepath.Base(local)
		if strings.HasSuffix(path, "/") {
			path += base
		}
		locals = append(locals, local)
		n.Outputs = append(n.Outputs, client.RunOutput{Name: base, Upload: base, Path: strings.TrimLeft(path, "/"), Suffix: c.Suffix})
	}
	return n, locals, nil
}

// values are numbers, booleans and the like where they read as such, else texts.
func (c runRecordCmd) values() (json.RawMessage, error) {
	if len(c.Value) == 0 {
		return nil, nil
	}
	values := map[string]json.RawMessage{}
	for _, text := range c.Value {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usagef("--value %q: say NAME=VALUE", text)
		}
		if json.Valid([]byte(value)) {
			values[name] = json.RawMessage(value)
			continue
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		values[name] = quoted
	}
	return json.Marshal(values)
}

// upload uploads the outputs, with their descriptions.
func (c runRecordCmd) upload(ctx context.Context, a *app, files *client.Files, r client.Run, outputs []client.RunOutput, locals []string) ([]product, error) {
	if r.Status.Ended() {
		return recorded(ctx, files.Client(), r)
	}
	var total int64
	for _, local := range locals {
		if info, err := os.Stat(local); err == nil {
			total += info.Size()
		}
	}
	b := a.newBar(total)
	defer b.close()
	numbers := make([]int, len(outputs))
	for i := range numbers {
		numbers[i] = i
	}
	if _, err := each(ctx, numbers, func(ctx context.Context, i int) (int64, error) {
		version, err := files.UploadOutput(ctx, r.Number, outputs[i], locals[i], b.add)
		if err == nil {
			err = describeOutput(ctx, files.Client(), version, locals[i]+".metadata.json")
		}
		return version, named(locals[i], err)
	}); err != nil {
		return nil, err
	}
	return recorded(ctx, files.Client(), r)
}

// recorded are the outputs that a run has.
func recorded(ctx context.Context, cl *client.Client, r client.Run) ([]product, error) {
	outputs, _, err := cl.RunOutputs(ctx, r.Number)
	products := make([]product, len(outputs))
	for i, o := range outputs {
		products[i] = product{o.Name, o.Version.Path, o.Version.Size, o.Version.ID}
	}
	return products, err
}

// describeOutput describes a version by the document beside its file, if there
// is one.
func describeOutput(ctx context.Context, cl *client.Client, version int64, document string) error {
	data, err := os.ReadFile(document)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !json.Valid(data):
		err = usagef("%s is not JSON", document)
	}
	if err != nil {
		return err
	}
	_, err = cl.Describe(ctx, version, data)
	return named(document, err)
}

func (c runRecordCmd) print(a *app, r client.Run, products []product) error {
	if a.json() {
		return a.printJSON(struct {
			client.Run
			Outputs []product `json:"outputs"`
		}{r, append([]product{}, products...)})
	}
	if _, err := fmt.Fprintf(a.stdout, "run %d  %s\n", r.Number, r.Status); err != nil {
		return err
	}
	return table(a, products, "", func(p product) []any { return []any{p.Path, sized(p.Size)} })
}

type runLsCmd struct {
	Type   []string `placeholder:"NAME" help:"Of that type."`
	Status []string `placeholder:"STATUS" enum:"PENDING,BLOCKED,QUEUED,RUNNING,FAILED,COMPLETED,CANCELED" help:"With that status."`
	Limit  int64    `default:"100" help:"How many at most; 0 is all."`
}

// Help teaches the verb.
func (runLsCmd) Help() string {
	return `    coreshed run ls --status FAILED`
}

// Run lists runs.
func (c runLsCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	want := client.RunFilter{Type: c.Type, PageSize: int(min(c.Limit, 1000))}
	for _, s := range c.Status {
		want.Status = append(want.Status, coreshed.RunStatus(s))
	}
	var runs []client.Run
	for r, err := range files.Runs(ctx, want) {
		if err != nil {
			return err
		}
		if runs = append(runs, r); int64(len(runs)) == c.Limit {
			break
		}
	}
	return table(a, runs, "RUN\tTYPE\tVERSION\tSTATUS\tRECORDED\tID", func(r client.Run) []any {
		return []any{r.Number, r.Type.Name, r.Type.Version, r.Status, r.CreatedAt, r.ID}
	})
}

type runShowCmd struct {
	Number int64 `arg:"" name:"run" help:"The run's number, as ls shows it."`
}

// Run shows a run.
func (c runShowCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	return a.showRun(ctx, files.Client(), c.Number)
}

func (a *app) showRun(ctx context.Context, cl *client.Client, number int64) error {
	r, err := cl.Run(ctx, number)
	if err != nil {
		return err
	}
	inputs, hidden, err := cl.RunInputs(ctx, number)
	if err != nil {
		return err
	}
	outputs, _, err := cl.RunOutputs(ctx, number)
	if err != nil {
		return err
	}
	all := struct {
		client.Run
		Inputs  []client.NamedEntry `json:"inputs"`
		Hidden  int64               `json:"hidden_inputs"`
		Outputs []client.NamedEntry `json:"outputs"`
	}{r, append([]client.NamedEntry{}, inputs...), hidden, append([]client.NamedEntry{}, outputs...)}
	list := []field{
		{"run", r.Number}, {"id", r.ID}, {"type", r.Type.Name + " " + r.Type.Version}, {"status", r.Status}, {"recipe", r.RecipeType},
		{"node", r.Node}, {"values", emptyObject(r.Values)}, {"error", emptyObject(r.Error)}, {"recorded", r.CreatedAt}, {"started", r.StartedAt},
		{"ended", r.EndedAt}, {"published", r.Published}, {"superseded", r.Superseded},
	}
	for _, n := range inputs {
		list = append(list, field{"input " + n.Name, n.Version.Path})
	}
	if hidden > 0 {
		list = append(list, field{"other inputs", fmt.Sprintf("%d that you may not see", hidden)})
	}
	for _, n := range outputs {
		list = append(list, field{"output " + n.Name, n.Version.Path})
	}
	return fields(a, all, list...)
}

// emptyObject is an object as text, "" when there is nothing in it.
func emptyObject(object json.RawMessage) string {
	if text := string(object); text != "{}" && text != "null" {
		return text
	}
	return ""
}

type runPublishCmd struct{ runShowCmd }

// Run publishes.
func (c runPublishCmd) Run(ctx context.Context, a *app) error {
	return c.change(ctx, a, (*client.Client).PublishRun)
}

type runUnpublishCmd struct{ runShowCmd }

// Run takes back.
func (c runUnpublishCmd) Run(ctx context.Context, a *app) error {
	return c.change(ctx, a, (*client.Client).UnpublishRun)
}

func (c runShowCmd) change(ctx context.Context, a *app, do func(*client.Client, context.Context, int64) (client.Run, error)) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	if _, err := do(files.Client(), ctx, c.Number); err != nil {
		return err
	}
	return a.showRun(ctx, files.Client(), c.Number)
}
