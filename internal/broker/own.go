package broker

import "encoding/json"

// own is the type that a workspace without a broker shows.
const own = "coreshed"

// Own is the configuration of a workspace without a broker: its files all lie in
// Coreshed's own store.
var Own = json.RawMessage(`{"broker":{"type":"` + own + `"}}`)

// IsOwn reports whether a configuration says what Own does. Members of the
// broker that are blank, as forms of web pages send them, say nothing.
func IsOwn(document []byte) bool {
	broker, err := parseTop(document)
	if err != nil || string(broker["type"]) != string(raw(own)) {
		return false
	}
	for name, value := range broker {
		var v any
		if name != "type" && (json.Unmarshal(value, &v) != nil || !blank(v)) {
			return false
		}
	}
	return true
}

// blank reports whether a value is one that a form has nothing in.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		for _, value := range v {
			if !blank(value) {
				return false
			}
		}
		return true
	}
	return false
}
