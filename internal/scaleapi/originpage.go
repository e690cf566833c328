package scaleapi

// originConfiguration reads the configuration of a strike or scan as it is meant
// where Scale's own web page is known to send something else: what it keeps of
// the rules to show them, "recursive" misspelt, and a region that it has taken
// from the wrong place.
func (q *request) originConfiguration() (map[string]any, error) {
	c, err := q.object("configuration")
	if err != nil {
		return nil, err
	}
	delete(c, "files_to_ingest_display")
	if sent, ok := c["resursive"]; ok && c["scanner"] != nil {
		delete(c, "resursive")
		if c["recursive"] == nil {
			c["recursive"] = sent
		}
	}
	if monitor, ok := c["monitor"].(map[string]any); ok {
		if _, ok := monitor["region_name"].(map[string]any); ok {
			delete(monitor, "region_name")
		}
	}
	return c, nil
}
