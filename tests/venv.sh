# Python packages for one purpose, for scripts that are run from the root of the project: `venv DIRECTORY REQUIREMENTS` puts
# what the file names, by checksum, into an environment in that directory, unless it is there already, and goes into it.

venv() {
    local directory requirements=$2
    directory=$(realpath -m "$1")
    if ! cmp -s "$requirements" "$directory/venv/requirements.txt"; then
        rm -rf "$directory/venv"
        mkdir -p "$directory"
        python3 -m venv "$directory/venv"
        "$directory/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --no-deps --only-binary :all: \
            --require-hashes -r "$requirements"
        cp "$requirements" "$directory/venv/requirements.txt"
    fi
    export PATH="$directory/venv/bin:$PATH"
}
