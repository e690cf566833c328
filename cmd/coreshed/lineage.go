package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/client"
)

type lineageCmd struct {
	Path    string `arg:"" help:"A file's path or id."`
	Up      bool   `xor:"direction" help:"To what it was made from; this is the default."`
	Down    bool   `xor:"direction" help:"To what was made from it."`
	Depth   int64  `placeholder:"N" help:"How many runs to go; all the way without it."`
	Limit   int64  `placeholder:"N" help:"How many files and runs to name, the nearest first; 1000 without it. The others are counted."`
	Version int64  `placeholder:"ID" help:"The version; the current one without it."`
}

// Help teaches the verb.
func (lineageCmd) Help() string {
	return `A tree of files and the runs between them. What appears a second time is marked and not unfolded again. What you may not see is counted at the end.

    coreshed lineage model/traces.dxf

    coreshed lineage survey/collars.csv --down --depth 2

    coreshed lineage survey/collars.csv --down -o json`
}

// Run prints where a version comes from, or what was made from it.
func (c lineageCmd) Run(ctx context.Context, a *app) error {
	files, err := a.files(ctx)
	if err != nil {
		return err
	}
	e, err := files.Entry(ctx, ref(c.Path), c.Version)
	if err != nil {
		return named(c.Path, err)
	}
	want := client.LineageWant{Direction: coreshed.Up, Depth: c.Depth, Limit: c.Limit}
	if c.Down {
		want.Direction = coreshed.Down
	}
	l, err := files.Client().Lineage(ctx, e.ID, want)
	if err != nil {
		return named(c.Path, err)
	}
	if a.json() {
		return a.printJSON(l)
	}
	return newTree(a.stdout, l).print()
}

// key names a node of the tree: a run is followed by what is beyond it.
type key struct {
	kind byte // v(ersion), d(ata set), r(un)
	id   int64
}

// tree prints a lineage, each node unfolded once.
type tree struct {
	out     io.Writer
	l       client.Lineage
	names   map[key]string
	beyond  map[key][]branch
	printed map[key]bool
}

// branch leads to the next node, under the name of an input or output.
type branch struct {
	to   key
	name string
}

func newTree(out io.Writer, l client.Lineage) *tree {
	t := &tree{out: out, l: l, names: map[key]string{}, beyond: map[key][]branch{}, printed: map[key]bool{}}
	home := ""
	if len(l.Versions) > 0 {
		home = l.Versions[0].Workspace.Name
	}
	for _, v := range l.Versions {
		t.names[key{'v', v.ID}] = versionLabel(v, home)
	}
	for _, d := range l.Datasets {
		t.names[key{'d', d.ID}] = visible(d.Namespace) + "  " + visible(d.Name) + "  elsewhere"
	}
	for _, r := range l.Runs {
		t.names[key{'r', r.Run}] = fmt.Sprintf("run %d  %s %s%s", r.Run, visible(r.Type), visible(r.TypeVersion), ended(r))
	}
	for _, e := range l.Edges {
		node := key{'v', e.Version}
		if e.Dataset != 0 {
			node = key{'d', e.Dataset}
		}
		run := key{'r', e.Run}
		if (e.Role == "output") == (l.Direction == coreshed.Down) {
			t.beyond[run] = append(t.beyond[run], branch{node, e.Name})
		} else {
			t.beyond[node] = append(t.beyond[node], branch{run, ""})
		}
	}
	return t
}

func versionLabel(v client.LineageVersion, home string) string {
	label := visible(v.Path)
	if v.Workspace.Name != home {
		label = v.Workspace.Name + ":" + label
	}
	switch {
	case v.Deleted:
		label += "  (deleted)"
	case v.Superseded:
		label += "  (superseded)"
	}
	return label + trustLabel(v.Trust)
}

// ended tells of a run what is not as usual.
func ended(r client.LineageRun) string {
	if r.Status == coreshed.Completed && r.EndedAt != nil {
		return "  " + cell(*r.EndedAt)
	}
	return "  " + string(r.Status)
}

func (t *tree) print() error {
	root := key{'v', t.l.Version}
	if _, err := fmt.Fprintln(t.out, t.names[root]); err != nil {
		return err
	}
	if err := t.branches(root, ""); err != nil {
		return err
	}
	for _, note := range t.notes() {
		if _, err := fmt.Fprintln(t.out, note); err != nil {
			return err
		}
	}
	return nil
}

// branches prints what is beyond a node.
func (t *tree) branches(of key, indent string) error {
	t.printed[of] = true
	list := t.beyond[of]
	for i, b := range list {
		corner, below := "├─ ", "│  "
		if i == len(list)-1 {
			corner, below = "└─ ", "   "
		}
		again := t.printed[b.to] && len(t.beyond[b.to]) > 0
		if _, err := fmt.Fprintln(t.out, indent+corner+t.names[b.to]+suffix(b.name, again)); err != nil {
			return err
		}
		if !again {
			if err := t.branches(b.to, indent+below); err != nil {
				return err
			}
		}
	}
	return nil
}

func suffix(name string, again bool) string {
	text := ""
	if name != "" {
		text = "  [" + visible(name) + "]"
	}
	if again {
		text += "  (see above)"
	}
	return text
}

// notes say what the tree does not show.
func (t *tree) notes() []string {
	var notes []string
	if len(t.l.Runs) == 0 && t.l.Hidden == (client.LineageCounts{}) {
		notes = append(notes, map[coreshed.Direction]string{
			coreshed.Up: "no run is known to have made it", coreshed.Down: "nothing is known to have been made from it",
		}[t.l.Direction])
	}
	named := client.LineageCounts{Versions: int64(len(t.l.Versions)), Runs: int64(len(t.l.Runs)), Datasets: int64(len(t.l.Datasets))}
	f, h := t.l.Found, t.l.Hidden
	if text := counted(f.Versions-h.Versions-named.Versions, f.Runs-h.Runs-named.Runs, f.Datasets-h.Datasets-named.Datasets); text != "" {
		notes = append(notes, "and "+text+" more: --limit names them, --depth goes less far")
	}
	if text := counted(h.Versions, h.Runs, h.Datasets); text != "" {
		notes = append(notes, "and "+text+" that you may not see")
	}
	if !t.l.Complete {
		notes = append(notes, "and more: there is too much to follow all of it")
	}
	return notes
}

func counted(versions, runs, datasets int64) string {
	var parts []string
	for _, p := range []struct {
		n         int64
		one, many string
	}{{versions, "file", "files"}, {runs, "run", "runs"}, {datasets, "data set elsewhere", "data sets elsewhere"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.one)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	return strings.Join(parts, ", ")
}
