"""What the run configures: the one configuration of all replicas, the load balancer, and tokens that are good by any clock
within some hours of ours, so that a replica with a wrong clock can be asked at all.
"""

import base64
import getpass
import hashlib
import hmac
import json
import secrets
import time

ISSUER = "http://storegate.test"
SIGNING_SECRET = secrets.token_urlsafe(48)
CLIENT_SECRET = secrets.token_urlsafe(32)
READING = ["stores:read", "flow:read", "demographics:read", "inspections:read"]
EVERYTHING = [*READING, "cache:bypass", "cache:purge"]

COUNTED = [f"counted-{number}" for number in range(6)]

# Without a quota, with one that is never spent, who may purge, and some whose quota is spent, once each.
CLIENTS = {
    "reader": (READING, None),
    "metered": (READING, "100000/1h"),
    "operator": (EVERYTHING, None),
    **{client: (READING, "60/10m") for client in COUNTED},
}

SETTINGS = """
[server]
public_url = "{issuer}"
workers = 2
stop_delay = "2s"
drain = "5s"
[auth.keys.chaos]
secret = "{signing}"
[cache.flow]
fresh = "1s"
stale = "1s"
on_error = "1h"
[cache.demographics.ended]
fresh = "3s"
stale = "2s"
on_error = "1h"
[gateway]
attempt_timeout = "2s"
deadline = "5s"
breaker_rest = "1s"
allow_plain_http = true
[telemetry]
log = "info,storegate::replicas=debug,actix_server=warn,actix_http=off"
"""

BALANCER = """
{user}
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-errors.log info;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    log_format tried '$msec "$request_method $uri" $status $request_time '
        '$upstream_addr $upstream_status $upstream_response_time';
    access_log {directory}/nginx-access.log tried;
    keepalive_timeout 600s;
    keepalive_requests 10000000;
    upstream replicas {{
        zone replicas 64k;
        {servers}
        keepalive 64;
        keepalive_requests 1000000;
    }}
    upstream lone {{
        server {lone} max_fails=0;
        keepalive 64;
        keepalive_requests 1000000;
    }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_next_upstream error timeout invalid_header;
    proxy_next_upstream_tries 3;
    proxy_connect_timeout 1s;
    proxy_read_timeout 35s;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    proxy_max_temp_file_size 0;
    add_header X-Upstream "$upstream_addr $upstream_response_time" always;
    server {{ listen {address}:8080; location / {{ proxy_pass http://replicas; }} }}
    server {{ listen {address}:8082; location / {{ proxy_pass http://lone; }} }}
}}
"""


def settings(gateway, redis=None):
    """The configuration of a replica; `gateway` is the part that the sandbox prints of itself."""
    text = SETTINGS.format(issuer=ISSUER, signing=SIGNING_SECRET)
    digest = hashlib.sha256(CLIENT_SECRET.encode()).hexdigest()
    for name, (scopes, quota) in CLIENTS.items():
        text += f'[auth.clients.{name}]\ntenant = "demo"\nscopes = {json.dumps(scopes)}\nsecret_sha256 = "{digest}"\n'
        text += f'quota = "{quota}"\n' if quota else ""
    if redis:
        text += f'[redis]\nnodes = ["{redis}"]\n'
    return text + gateway


def balancer(directory, address, replicas, lone):
    servers = "\n        ".join(f"server {replica} max_fails=1 fail_timeout=1s;" for replica in replicas)
    user = f"user {getpass.getuser()};" if getpass.getuser() == "root" else ""
    return BALANCER.format(directory=directory, address=address, servers=servers, lone=lone, user=user)


def token(client, scopes=None):
    """A token from three hours ago until in five hours."""
    now = int(time.time())
    scopes = scopes or CLIENTS[client][0]
    claims = {
        "iss": ISSUER, "aud": "storegate", "sub": client, "client_id": client, "tenant": "demo", "scope": " ".join(scopes),
        "iat": now - 3 * 3600, "exp": now + 5 * 3600, "jti": secrets.token_hex(16),
    }
    signed = b".".join(map(part, ({"alg": "HS256", "typ": "at+jwt", "kid": "chaos"}, claims)))
    return (signed + b"." + base64_url(hmac.digest(SIGNING_SECRET.encode(), signed, "sha256"))).decode()


def part(value):
    return base64_url(json.dumps(value).encode())


def base64_url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
