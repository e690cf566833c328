package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/coreshed/coreshed/client"
)

type describeCmd struct {
	Path    string `arg:"" help:"A file's path or id."`
	File    string `arg:"" optional:"" help:"The metadata document, GeoJSON; - is the standard input. Without it, what is known is shown."`
	Version int64  `placeholder:"ID" help:"The version; the current one without it."`
}

// Help teaches the verb.
func (describeCmd) Help() string {
	return `Says when and where a file's data is from, by which sensor, and what it is about, so that lists can be filtered by that. The document is a GeoJSON Feature, or a geometry alone, in longitude and latitude. Of its properties these are read, and all are kept: dataStarted, dataEnded, sourceStarted, sourceEnded (times with a zone), sourceSensorClass, sourceSensor, sourceCollection, sourceTask, and dataTypes, a list of tags.

    coreshed describe survey/mag.tif mag.metadata.json

    coreshed describe survey/mag.tif

    echo '{"type": "Point", "coordinates": [121.47, -30.75]}' | coreshed describe survey/mag.tif -`
}

// Run describes a version, or shows its description.
func (c describeCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	e, err := files.Entry(ctx, ref(c.Path), c.Version)
	if err != nil {
		return named(c.Path, err)
	}
	if c.File == "" {
		return a.printDescription(e.Description)
	}
	document, err := c.read(a)
	if err != nil {
		return err
	}
	d, err := files.Client().Describe(ctx, e.ID, document)
	if err != nil {
		return named(c.Path, err)
	}
	return a.printDescription(d)
}

func (c describeCmd) read(a *app) (json.RawMessage, error) {
	var data []byte
	var err error
	if c.File == "-" {
		data, err = io.ReadAll(a.stdin)
	} else {
		data, err = os.ReadFile(c.File)
	}
	if err == nil && !json.Valid(data) {
		err = usagef("%s is not JSON", c.File)
	}
	return data, err
}

func (a *app) printDescription(d client.Description) error {
	return fields(a, d, field{"data started", d.DataStarted}, field{"data ended", d.DataEnded},
		field{"source started", d.SourceStarted}, field{"source ended", d.SourceEnded},
		field{"sensor class", d.SensorClass}, field{"sensor", d.Sensor}, field{"collection", d.Collection}, field{"task", d.Task},
		field{"tags", strings.Join(d.Tags, ", ")}, field{"countries", strings.Join(d.Countries, ", ")},
		field{"centre", d.CenterPoint}, field{"geometry", d.Geometry}, field{"metadata", string(d.Metadata)})
}
