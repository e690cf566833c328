package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// configFile is the flag that names the configuration file.
type configFile string

// BeforeResolve reads the file, wherever its name comes from.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	name, _ := ctx.FlagValue(trace.Flag).(configFile)
	if name == "" {
		return nil
	}
	text, err := os.ReadFile(kong.ExpandPath(string(name)))
	if err != nil {
		return err
	}
	values := settings{}
	if err := json.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := values.Validate(ctx.Model); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	ctx.AddResolver(values)
	return nil
}

// settings are values of flags, by name; "-" and "_" are the same in it.
type settings map[string]any

// Validate fails for a key that no verb has a flag for: it may be misspelt.
func (s settings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	collect(app.Node, known)
	var unknown []string
	for key := range s {
		if !known[strings.ReplaceAll(key, "_", "-")] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("no flag has the name %s", strings.Join(unknown, ", "))
	}
	return nil
}

func collect(n *kong.Node, names map[string]bool) {
	for _, f := range n.Flags {
		names[f.Name] = true
	}
	for _, child := range n.Children {
		collect(child, names)
	}
}

// Resolve returns the value of a flag that neither the command line nor the
// environment has given.
func (s settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	for key, value := range s {
		if strings.ReplaceAll(key, "_", "-") == flag.Name {
			return value, nil
		}
	}
	return nil, nil
}
