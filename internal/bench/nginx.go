package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
)

// findNginx returns the path of nginx, or "" when it is not installed.
func findNginx() string {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

const nginxConfig = `%sdaemon off;
worker_processes auto;
pid %[2]s/nginx.pid;
error_log stderr;
events { worker_connections 256; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000;
	client_body_temp_path %[2]s/nginx-body;
	proxy_temp_path %[2]s/nginx-proxy;
	fastcgi_temp_path %[2]s/nginx-fastcgi;
	uwsgi_temp_path %[2]s/nginx-uwsgi;
	scgi_temp_path %[2]s/nginx-scgi;
	server {
		listen %[3]s;
		root %[4]s;
	}
}
`

// startNginx serves a folder, as the user who runs the benchmark.
func startNginx(ctx context.Context, program, dir, folder string) (*process, string, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	// Started by root, nginx would read as somebody who may not.
	as := ""
	if me, err := user.Current(); err == nil && me.Uid == "0" {
		as = "user " + me.Username + " " + me.Username + ";\n"
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, as, dir, address, folder), 0o600); err != nil {
		return nil, "", fmt.Errorf("write nginx configuration: %w", err)
	}
	p, err := start(ctx, dir, program, "-p", dir, "-e", "stderr", "-c", config)
	if err != nil {
		return nil, "", err
	}
	url := "http://" + address
	return p, url, p.ready(ctx, url)
}
