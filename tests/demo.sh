# A demo to hold something against, for scripts that are run from the root of the project: `start_demo DIRECTORY OPTIONS…`
# starts one with these options and exports its address and credentials. What was started ends with the script.
# STOREGATE_PROGRAM names a built program to take instead of the one that is built here.

if [[ -z ${STOREGATE_PROGRAM:-} ]]; then
    cargo build --quiet --locked
    STOREGATE_PROGRAM=$PWD/target/debug/storegate
    export STOREGATE_PROGRAM
fi

started=()

# `start NAME DIRECTORY COMMAND…` runs a command of the program, with its log and its ready file under this name.
start() {
    local ready=$2/$1.json log=$2/$1.log
    rm -f "$ready"
    "$STOREGATE_PROGRAM" "${@:3}" --listen 127.0.0.1:0 --ready-file "$ready" >"$log" 2>&1 &
    started+=($!)
    trap stop EXIT
    for _ in $(seq 100); do [[ -e $ready ]] && return; sleep 0.1; done
    cat "$log" >&2
    exit 1
}

start_demo() {
    start demo "$1" demo "${@:2}"
    STOREGATE_URL=$(told "$1/demo.json" base_url) TOKEN=$(told "$1/demo.json" token)
    CLIENT_ID=$(told "$1/demo.json" client_id) CLIENT_SECRET=$(told "$1/demo.json" client_secret)
    export STOREGATE_URL TOKEN CLIENT_ID CLIENT_SECRET
}

# Ends everything that was started, before the script does.
stop() {
    local process
    for process in "${started[@]}"; do
        kill "$process" || true
        wait "$process" || true
    done
    started=()
}

told() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
