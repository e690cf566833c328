package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
)

// shed is a running Coreshed and a workspace of it.
type shed struct {
	process *process
	data    string // folder
	url     string
	files   string // URL of the workspace's files
	org     string // id of the organisation
	space   string // id of the workspace
	token   string
	caller  *caller
}

// startShed serves the data folder, which is made when absent, with the real
// binary.
func startShed(ctx context.Context, binary, dir, data string, flags ...string) (*shed, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := append([]string{"serve", "--data", data, "--listen", address, "--exit-with-stdin"}, flags...)
	p, err := start(ctx, dir, binary, args...)
	if err != nil {
		return nil, err
	}
	s := &shed{process: p, data: data, url: "http://" + address, caller: newCaller()}
	if err := p.ready(ctx, s.url+"/readyz"); err != nil {
		return nil, err
	}
	if err := s.identify(ctx, binary); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *shed) stop() {
	s.caller.close()
	s.process.stop()
}

// identify asks as a user would: what is the workspace, and a token for it.
func (s *shed) identify(ctx context.Context, binary string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "env", "--data", s.data, "--workspace", "Default", "--format", "json")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("ask for the environment: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	var env struct {
		Org       string `json:"ORG_ID"`
		Workspace string `json:"WORKSPACE_ID"`
		Token     string `json:"TOKEN"`
	}
	if err := json.Unmarshal(out, &env); err != nil {
		return fmt.Errorf("read the environment: %w", err)
	}
	s.files = s.url + "/file/v2/orgs/" + env.Org + "/workspaces/" + env.Workspace + "/files"
	s.org, s.space, s.token = env.Org, env.Workspace, env.Token
	return nil
}

// mint makes a token as a user would.
func (s *shed) mint(ctx context.Context, binary string, flags ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, append([]string{"token", "--data", s.data}, flags...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("make a token: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(bytes.TrimSpace(out)), nil
}

// call makes a request of the control plane and decodes its answer, unless
// into is nil.
func (s *shed) call(ctx context.Context, method, address string, status int, into any) error {
	var answer bytes.Buffer
	err := s.caller.do(ctx, request{
		method: method, url: address, header: http.Header{"Authorization": {"Bearer " + s.token}},
		status: status, length: -1, into: &answer,
	})
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer.Bytes(), into); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

func (s *shed) path(name string) string {
	segments := strings.Split(name, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return s.files + "/path/" + strings.Join(segments, "/")
}

// list reads a page of files and returns its body.
func (s *shed) list(ctx context.Context, offset, limit int, into *bytes.Buffer) error {
	return s.caller.do(ctx, request{
		method: http.MethodGet, url: s.files + "?limit=" + strconv.Itoa(limit) + "&offset=" + strconv.Itoa(offset),
		header: http.Header{"Authorization": {"Bearer " + s.token}},
		status: http.StatusOK, length: -1, into: into,
	})
}

// links is what the control plane says of a file.
type links struct {
	FileID   string `json:"file_id"`
	Upload   string `json:"upload"`
	Download string `json:"download"`
}

// uploads reserves a version for each name and returns its signed URL.
func (s *shed) uploads(ctx context.Context, names ...string) ([]string, error) {
	urls := make([]string, len(names))
	_, err := each(ctx, len(names), smallClients, func(ctx context.Context, i int) error {
		var l links
		err := s.call(ctx, http.MethodPut, s.path(names[i]), http.StatusOK, &l)
		urls[i] = l.Upload
		return err
	})
	return urls, err
}

// downloads returns a signed URL of each file.
func (s *shed) downloads(ctx context.Context, names ...string) ([]string, error) {
	urls := make([]string, len(names))
	_, err := each(ctx, len(names), smallClients, func(ctx context.Context, i int) error {
		var l links
		err := s.call(ctx, http.MethodGet, s.path(names[i]), http.StatusOK, &l)
		urls[i] = l.Download
		return err
	})
	return urls, err
}
