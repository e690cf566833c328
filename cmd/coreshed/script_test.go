package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coreshed/coreshed/internal/broker"
	"github.com/coreshed/coreshed/internal/fsnames"
	"github.com/coreshed/coreshed/internal/server"
)

// TestMain makes this test binary the program when a script says "coreshed".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"coreshed": main})
}

// TestScripts runs the scripts, each beside a server of its own, whose data
// folder is ./shed and in CORESHED_DATA.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               serveShed,
		Condition:           conditions(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":   exitCodeIs,
			"retry":  retry,
			"env-of": setEnv,

			"purge-of": setPurge,
		},
	})
}

// conditions are what scripts ask for in brackets: "newline" is a file system
// that takes names with one.
func conditions(t *testing.T) func(name string) (bool, error) {
	newline := len(fsnames.Kept(t, "two\nlines")) > 0
	return func(name string) (bool, error) {
		if name != "newline" {
			return false, fmt.Errorf("there is no condition %q", name)
		}
		return newline, nil
	}
}

func serveShed(env *testscript.Env) error {
	data := filepath.Join(env.WorkDir, "shed")
	env.Vars = append(env.Vars,
		"CORESHED_DATA="+data,
		"XDG_CACHE_HOME="+filepath.Join(env.WorkDir, "cache"), "LocalAppData="+filepath.Join(env.WorkDir, "cache"),
		"BIDI=b\u202eidi.txt", "LINES=two\nlines", "LONG="+strings.Repeat("岩", 200), "TZ=UTC")
	ctx := context.Background()
	survey := filepath.Join(env.WorkDir, "survey") // which it may reach
	if err := os.Mkdir(survey, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	s, err := server.Open(ctx, server.Config{
		Data: data, Listen: "127.0.0.1:0", Floor: 1, Reach: broker.Bounds{Roots: []string{survey}},
	})
	if err != nil {
		return err
	}
	env.Defer(func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			env.T().Log("stop server:", err)
		}
	})
	return s.Start()
}

// exitCodeIs runs "code N program args…" and wants that exit code.
func exitCodeIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// retry runs "retry REGEXP program args…" until it succeeds and prints what matches.
func retry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retry REGEXP program args…")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nothing matches %q: %v", args[0], err)
		}
	}
}

// setEnv sets the environment to what a file of JSON, or stdout, says, and
// takes the data folder out of it.
func setEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: env-of FILE")
	}
	var values map[string]string
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &values))
	for name, value := range values {
		ts.Setenv(name, value)
	}
	ts.Setenv("CORESHED_DATA", "")
}

// setPurge runs "purge-of FILE NAME": the id of the purge that a file of JSON, or
// stdout, shows becomes that variable of the environment.
func setPurge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: purge-of FILE NAME")
	}
	var purge struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &purge))
	ts.Setenv(args[1], purge.ID)
}
