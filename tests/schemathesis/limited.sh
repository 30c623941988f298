# A service whose only client has a quota and may seldom be wrong about its secret, in front of a sandbox of its own, for
# scripts that sourced tests/demo.sh: `start_limited DIRECTORY` starts both and exports what `start_demo` does.

start_limited() {
    local directory=$1
    start sandbox "$directory" sandbox
    {
        cat <<TOML
[server]
public_url = "https://storegate.example.com"
[auth]
token_lifetime = "1h"
[auth.keys.limited]
algorithm = "EdDSA"
private_key_file = "$directory/key.pem"
[auth.clients.limited]
tenant = "demo"
secret_sha256_file = "$directory/hash"
scopes = ["stores:read", "flow:read", "demographics:read", "inspections:read", "organizations:read", "cache:purge"]
[limits]
quota = "120/1m"
wrong_secrets = "5/1m"
TOML
        sed -n '/^\[tenants/,/^token = /p' "$directory/sandbox.log"
    } >"$directory/storegate.toml"
    "$STOREGATE_PROGRAM" secret key >"$directory/key.pem"
    CLIENT_ID=limited CLIENT_SECRET=$("$STOREGATE_PROGRAM" secret new --hash-file "$directory/hash")
    TOKEN=$("$STOREGATE_PROGRAM" token --config "$directory/storegate.toml" --client limited)
    start service "$directory" serve --config "$directory/storegate.toml"
    STOREGATE_URL=$(told "$directory/service.json" base_url)
    export STOREGATE_URL TOKEN CLIENT_ID CLIENT_SECRET
}
