# What the walks share. A walk sets "walk" to its name and sources this; all of
# it happens in a temporary folder, and nothing is left running.
#
# CORESHED and PYTHON name the binary and a Python that has the clients; without
# them, those that `make build` and `make setup` leave.
python=${PYTHON:-$repo/.venv/bin/python}
binary=$(realpath "${CORESHED:-$repo/bin/coreshed}")
samples=$repo/testdata/geo

[ -x "$binary" ] || { echo "$walk: no $binary: run make build" >&2; exit 1; }

# Users start with none of our settings, and nothing between here and here.
unset "${!CORESHED@}" HUB_URL DISCOVERY_URL ISSUER CLIENT_ID ORG_ID WORKSPACE_ID TOKEN PROXY SSL_CERT_FILE
unset SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

home=$(mktemp -d "${TMPDIR:-/tmp}/$walk.XXXXXX")
export HOME=$home XDG_CACHE_HOME=$home/cache
cd "$home"
data=$home/shed server=
flags=() # of serve, beside those
coreshed() { "$binary" "$@"; }

step() { echo "$walk: $*"; }
fail() {
	echo "$walk: FAILED: $*" >&2
	tail -20 serve.log >&2 || true
	exit 1
}
same() { [ "$1" = "$2" ] || fail "$3: got '$1', want '$2'"; }
has() { [[ $1 == *"$2"* ]] || fail "$3: no '$2' in: $1"; }
lacks() { [[ $1 != *"$2"* ]] || fail "$3: '$2' in: $1"; }
sha() { sha256sum <"$1" | cut -d' ' -f1; }

# field KEY...: what lies there in the JSON on standard input.
field() {
	"$python" -c 'import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]: value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

# Only our own server is stopped, by its process id.
stop() {
	[ -n "$server" ] || return 0
	kill "-$1" "$server" 2>/dev/null || true
	wait "$server" || true
	server=
} 2>/dev/null
trap 'stop KILL; rm -rf "$home"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
ready() { [ "$(status "http://$address/readyz")" = 200 ]; }

serve() {
	"$binary" serve --data "$data" --listen "$address" "${flags[@]}" >>serve.log 2>&1 &
	server=$!
	for _ in {1..150}; do
		kill -0 "$server" 2>/dev/null || return 1
		! ready || return 0
		sleep 0.1
	done
	fail "not ready after 15 s"
}

# A port that is free now can be taken a moment later, so starting is the test.
serve_somewhere() {
	for _ in 1 2 3 4 5; do
		address=127.0.0.1:$((20000 + RANDOM % 12000))
		! serve || return 0
	done
	fail "the server does not start"
}
