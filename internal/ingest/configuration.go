// Package ingest is what strikes and scans are told to do: the documents that
// configure them, the rules by which a file is taken, and the notifications by
// which a bucket tells of new objects. It touches neither files nor rows.
// Contract: Scale v6 §5.2, §5.3.
package ingest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Kinds of monitors and scanners, with the brokers that they go with.
const (
	DirWatcher = "dir-watcher" // of a strike, on host
	Queue      = "s3"          // of a strike: the bucket's notifications
	Compare    = "s3-list"     // of a strike: lists a bucket and compares
	DirScanner = "dir"         // of a scan, on host
	Bucket     = "s3"          // of a scan
)

// DefaultSuffix ends the names of files that are still being written.
const DefaultSuffix = "_tmp"

// DefaultInterval is how often a strike looks.
const DefaultInterval = time.Minute

// Configuration is that of a strike or a scan.
type Configuration struct {
	Workspace string // its name
	Monitor   Monitor
	Recursive bool
	Rules     []Rule
	Recipe    *Recipe
}

// Monitor says how files are found.
type Monitor struct {
	Type     string
	Suffix   string        // of files that are still being written; "" is none
	Interval time.Duration // of a strike's passes

	QueueName, Region, Endpoint string
	AccessKey, SecretKey        string
}

// Recipe is started with each file.
type Recipe struct {
	Name     string
	Revision int64 // 0 is the current one
}

// Same reports whether two configurations ask for the same.
func (c Configuration) Same(o Configuration) bool {
	sameRecipe := c.Recipe == o.Recipe || c.Recipe != nil && o.Recipe != nil && *c.Recipe == *o.Recipe
	return c.Workspace == o.Workspace && c.Monitor == o.Monitor && c.Recursive == o.Recursive && sameRecipe &&
		slices.EqualFunc(c.Rules, o.Rules, Rule.same)
}

// SamePlace reports whether two configurations use their credentials at the same
// place.
func (c Configuration) SamePlace(o Configuration) bool {
	m, n := c.Monitor, o.Monitor
	return c.Workspace == o.Workspace && m.Type == n.Type && m.QueueName == n.QueueName && m.Region == n.Region && m.Endpoint == n.Endpoint
}

// Warning is something about a configuration that its author may not want.
type Warning struct{ Name, Description string }

// kind is what differs between the two documents.
type kind struct {
	finder   string // the member that says how files are found
	versions []string
	brokers  map[string]string // of each type of monitor
	members  []string
}

var strike = kind{
	finder: "monitor", versions: []string{"6", "7", "2.0"},
	brokers: map[string]string{DirWatcher: "host", Queue: "s3", Compare: "s3"},
	members: []string{"version", "workspace", "monitor", "files_to_ingest", "recipe"},
}

var scan = kind{
	finder: "scanner", versions: []string{"6", "7", "1.0"},
	brokers: map[string]string{DirScanner: "host", Bucket: "s3"},
	members: []string{"version", "workspace", "scanner", "recursive", "files_to_ingest", "recipe"},
}

// ParseStrike reads the configuration of a strike. Its error is BadRequest and
// says what is wrong.
func ParseStrike(raw json.RawMessage) (Configuration, []Warning, error) { return strike.parse(raw) }

// ParseScan reads the configuration of a scan.
func ParseScan(raw json.RawMessage) (Configuration, []Warning, error) { return scan.parse(raw) }

func (k kind) parse(raw json.RawMessage) (Configuration, []Warning, error) {
	var c Configuration
	d, err := parseDocument("", raw, k.members)
	if err != nil {
		return c, nil, err
	}
	if err := k.checkVersion(d); err != nil {
		return c, nil, err
	}
	if c.Workspace, err = d.required("workspace"); err != nil {
		return c, nil, err
	}
	if c.Recursive, err = d.flag("recursive", true); err != nil {
		return c, nil, err
	}
	var warnings []Warning
	if c.Monitor, warnings, err = k.parseMonitor(d); err != nil {
		return c, nil, err
	}
	if c.Rules, err = parseRules(d, c.Workspace); err != nil {
		return c, nil, err
	}
	c.Recipe, err = parseRecipe(d)
	return c, warnings, err
}

func (k kind) checkVersion(d document) error {
	version, err := d.text("version")
	if err == nil && version != "" && !slices.Contains(k.versions, version) {
		err = invalid("%s is an unsupported version number", version)
	}
	return err
}

func (k kind) parseMonitor(d document) (Monitor, []Warning, error) {
	var m Monitor
	raw, ok := d.raw(k.finder)
	if !ok {
		return m, nil, invalid("%s is required", k.finder)
	}
	d, err := parseDocument(k.finder+".", raw, nil)
	if err != nil {
		return m, nil, err
	}
	if m.Type, err = d.required("type"); err != nil {
		return m, nil, err
	}
	if k.brokers[m.Type] == "" {
		return m, nil, invalid("'%s' is an invalid %s type", m.Type, k.finder)
	}
	if err := m.parseInterval(d); err != nil {
		return m, nil, err
	}
	if k.brokers[m.Type] == "host" {
		return k.parseFolder(m, d)
	}
	if k.finder == "monitor" && m.Type == Queue {
		return m, nil, m.parseQueue(d)
	}
	return m, nil, nil
}

// parseFolder reads what belongs to folders. A scan without a suffix skips
// nothing; a strike that has none takes the default one.
func (k kind) parseFolder(m Monitor, d document) (Monitor, []Warning, error) {
	var err error
	if m.Suffix, err = d.text("transfer_suffix"); err != nil || m.Suffix != "" || k.finder != "monitor" {
		return m, nil, err
	}
	m.Suffix = DefaultSuffix
	return m, []Warning{{
		Name:        "missing_transfer_suffix",
		Description: fmt.Sprintf("monitor.transfer_suffix is not set: names of files that are still being written must end with %s.", DefaultSuffix),
	}}, nil
}

// maxInterval bounds how long a strike may sleep.
const maxInterval = 24 * time.Hour

// parseInterval reads "interval", in seconds, which is ours.
func (m *Monitor) parseInterval(d document) error {
	seconds, given, err := d.integer("interval")
	m.Interval = DefaultInterval
	if err != nil || !given {
		return err
	}
	if seconds < 1 || seconds > int64(maxInterval/time.Second) {
		return invalid("%sinterval is in seconds, from 1 to %d", d.where, int64(maxInterval/time.Second))
	}
	m.Interval = time.Duration(seconds) * time.Second
	return nil
}

func (m *Monitor) parseQueue(d document) error {
	var err error
	if m.QueueName, err = d.required("sqs_name"); err != nil {
		return err
	}
	if m.Region, err = d.text("region_name"); err != nil {
		return err
	}
	if m.Endpoint, err = d.text("endpoint_url"); err != nil {
		return err
	}
	raw, ok := d.raw("credentials")
	if !ok {
		return nil
	}
	d, err = parseDocument(d.where+"credentials.", raw, nil)
	if err != nil {
		return err
	}
	return m.parseCredentials(d)
}

// parseCredentials takes both keys or, when either is blank or there is neither,
// none: then the server's own credentials are used.
func (m *Monitor) parseCredentials(d document) error {
	for _, name := range []string{"access_key_id", "secret_access_key"} {
		if _, ok := d.members[name]; !ok && len(d.members) > 0 {
			return invalid("%s%s is required", d.where, name)
		}
	}
	access, err := d.text("access_key_id")
	if err != nil {
		return err
	}
	secret, err := d.text("secret_access_key")
	if err == nil && access != "" && secret != "" {
		m.AccessKey, m.SecretKey = access, secret
	}
	return err
}

// parseRecipe takes an empty recipe as none, as Scale's own web page sends it.
func parseRecipe(d document) (*Recipe, error) {
	raw, ok := d.raw("recipe")
	if !ok {
		return nil, nil
	}
	d, err := parseDocument("recipe.", raw, []string{"name", "revision_num"})
	if err != nil || len(d.members) == 0 {
		return nil, err
	}
	r := &Recipe{}
	if r.Name, err = d.required("name"); err != nil {
		return nil, err
	}
	var given bool
	if r.Revision, given, err = d.integer("revision_num"); err == nil && given && r.Revision < 1 {
		err = invalid("recipe.revision_num must be at least 1")
	}
	return r, err
}

// Broker is the type of broker that a strike's monitor goes with.
func (m Monitor) Broker() string {
	if b := strike.brokers[m.Type]; b != "" {
		return b
	}
	return scan.brokers[m.Type]
}

// RecipeOf returns the recipe that a stored configuration starts; nil is none.
func RecipeOf(stored string) *Recipe {
	d, err := parseDocument("", json.RawMessage(stored), nil)
	if err != nil {
		return nil
	}
	r, err := parseRecipe(d)
	if err != nil {
		return nil
	}
	return r
}
