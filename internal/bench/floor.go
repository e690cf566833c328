package bench

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

//go:embed floor
var floorSQL embed.FS

// floor is a PostgreSQL with the tables of Scale. What its queries cost is a
// lower bound of what a list costs Scale: nothing is put together and sent.
type floor struct {
	conn *pgx.Conn
	stop func()
}

// floorRuns is how often the floor answers a question in a round.
const floorRuns = 3

func (c Catalogue) startFloor(ctx context.Context, dir string) (*floor, error) {
	f := &floor{stop: func() {}}
	address := c.Floor
	switch c.Floor {
	case "none", "":
		return f, nil
	case "auto":
		bin := newestPostgres()
		if bin == "" {
			fmt.Fprintln(c.Log, "there is no PostgreSQL here: nothing to compare with")
			return f, nil
		}
		var err error
		if address, f.stop, err = startPostgres(ctx, bin, dir); err != nil {
			return f, err
		}
	}
	if err := f.open(ctx, address, c); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

func newestPostgres() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1])
}

// startPostgres makes a cluster in dir that listens on loopback.
func startPostgres(ctx context.Context, bin, dir string) (address string, stop func(), err error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return "", nil, err
	}
	cluster := filepath.Join(dir, "floor")
	if err := os.Mkdir(cluster, 0o700); err != nil {
		return "", nil, err
	}
	owner, err := clusterOwner(dir, cluster)
	if err != nil {
		return "", nil, err
	}
	run := func(ctx context.Context, name string, args ...string) error {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Dir = cluster
		cmd.SysProcAttr = owner
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	data, port := filepath.Join(cluster, "data"), listen[strings.LastIndexByte(listen, ':')+1:]
	if err := run(ctx, "initdb", "-D", data, "-U", "coreshed", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"); err != nil {
		return "", nil, err
	}
	settings := "-p " + port + " -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c shared_buffers=2GB -c effective_cache_size=8GB" +
		" -c work_mem=32MB -c maintenance_work_mem=512MB -c random_page_cost=1.1 -c jit=off -c max_wal_size=8GB -c fsync=off"
	if err := run(ctx, "pg_ctl", "-D", data, "-w", "-l", filepath.Join(cluster, "log"), "-o", settings, "start"); err != nil {
		return "", nil, err
	}
	stop = func() {
		run(context.WithoutCancel(ctx), "pg_ctl", "-D", data, "-m", "immediate", "stop") //nolint:errcheck // its folder goes anyway
	}
	return "postgres://coreshed@127.0.0.1:" + port + "/postgres?sslmode=disable", stop, nil
}

func (f *floor) open(ctx context.Context, address string, c Catalogue) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // literals, as Scale's framework sends them
	admin, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	name := "coreshed_floor_" + strconv.FormatUint(rand.Uint64(), 36)
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return err
	}
	drop := f.stop
	config.Database = name
	if f.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return err
	}
	f.stop = func() {
		ctx := context.WithoutCancel(ctx)
		f.conn.Close(ctx)
		config.Database = "postgres"
		if conn, err := pgx.ConnectConfig(ctx, config); err == nil {
			conn.Exec(ctx, "DROP DATABASE "+name) //nolint:errcheck // nothing else can be done
			conn.Close(ctx)
		}
		drop()
	}
	fmt.Fprintf(c.Log, "loading %d rows into the floor\n", c.Rows)
	for _, file := range []string{"schema.sql", "load.sql", "indexes.sql"} {
		text, err := floorSQL.ReadFile("floor/" + file)
		if err != nil {
			return err
		}
		if _, err := f.conn.Exec(ctx, strings.ReplaceAll(string(text), "{rows}", strconv.Itoa(c.Rows))); err != nil {
			return fmt.Errorf("floor: %s: %w", file, err)
		}
	}
	_, err = f.conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// clusterOwner says as whom the cluster runs: PostgreSQL refuses root.
func clusterOwner(dir, cluster string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres")
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(cluster, uid, gid), os.Chmod(dir, 0o711)); err != nil { //nolint:gosec // the folder's own name is random
		return nil, err
	}
	return asUser(uid, gid), nil
}
