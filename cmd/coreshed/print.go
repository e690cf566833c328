package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/coreshed/coreshed/client"
)

// json reports whether the answer is for programs.
func (a *app) json() bool { return a.Output == "json" }

// printJSON prints a value for programs, who may still be shown on a terminal.
func (a *app) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	// Such runes are inside of strings only, where \u stands for them.
	_, err := io.WriteString(a.stdout, escape(b.String(), func(r rune) string {
		var units strings.Builder
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&units, `\u%04x`, u)
		}
		return units.String()
	}, '\n'))
	return err
}

// table prints rows under a head whose columns are separated by tabs.
func table[T any](a *app, rows []T, head string, columns func(T) []any) error {
	if a.json() {
		return a.printJSON(append([]T{}, rows...))
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if head != "" && len(rows) > 0 {
		fmt.Fprintln(w, head)
	}
	for _, row := range rows {
		line(w, columns(row))
	}
	return w.Flush()
}

// field is a line of what is told of one thing.
type field struct {
	name  string
	value any
}

// fields prints one thing; what is empty is left out.
func fields(a *app, v any, list ...field) error {
	if a.json() {
		return a.printJSON(v)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, f := range list {
		if text := cell(f.value); text != "" {
			line(w, []any{f.name, text})
		}
	}
	return w.Flush()
}

func line(w io.Writer, cells []any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = visible(cell(c))
	}
	fmt.Fprintln(w, strings.TrimRight(strings.Join(texts, "\t"), "\t"))
}

func cell(v any) string {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.Local().Format("2006-01-02 15:04:05")
	case client.Person:
		return personName(v)
	case bool:
		if v {
			return "yes"
		}
		return ""
	}
	return fmt.Sprint(v)
}

func personName(p client.Person) string {
	switch {
	case p.Email != "":
		return p.Email
	case p.Name != "":
		return p.Name
	case p.ID == client.Person{}.ID:
		return ""
	}
	return p.ID.String()
}

// visible makes text safe for a terminal: what does not print is shown as an
// escape, so that no file name moves a cursor or turns text around.
func visible(text string) string {
	return escape(text, func(r rune) string {
		if r == utf8.RuneError {
			return "\uFFFD"
		}
		quoted := fmt.Sprintf("%+q", r)
		return quoted[1 : len(quoted)-1]
	})
}

// messages are what an error says, made visible, one of each that were joined.
func messages(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || errors.Join(joined.Unwrap()...).Error() != err.Error() {
		return []string{visible(err.Error())}
	}
	var all []string
	for _, e := range joined.Unwrap() {
		all = append(all, messages(e)...)
	}
	return all
}

func escape(text string, with func(rune) string, keep ...rune) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || strings.ContainsRune(string(keep), r) {
			b.WriteRune(r)
		} else {
			b.WriteString(with(r))
		}
	}
	return b.String()
}
