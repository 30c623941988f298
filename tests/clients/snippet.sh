# The snippets of the README, for scripts that are run from the root of the project: `snippet LANGUAGE` prints that one.

snippet() {
    awk -v fence="\`\`\`$1" '$0 == fence {inside = 1; next} /^```/ {inside = 0} inside {print; lines++} END {exit !lines}' \
        README.md || { echo "the README has lost its snippet in $1" >&2; return 1; }
}
