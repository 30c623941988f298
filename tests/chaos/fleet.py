"""Everything that runs: the gateway, Redis, three replicas of one configuration, a lone one that knows no Redis, nginx in front
of both, and the load.
"""

import json
import re
import signal
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import configuration
from asking import ask
from network import REPLICAS
from processes import Program, Served, wait_until
from records import Records, Window
from redis_server import PORT, RedisServer


class Replica:
    def __init__(self, name, base, served):
        self.name, self.base, self.served = name, base, served

    def start(self):
        self.served.start()
        self.served.base_url()
        return self

    def ask(self, path, token=None, **options):
        return ask(self.base, path, token, **options)

    def shared(self):
        answer = self.ask("/readyz", timeout=2)
        return answer.json().get("shared") if answer.status else None

    def shares(self, seconds=20):
        """Waits until what replicas share is in use; gives how long that took."""
        return wait_until(f"{self.name} shares", lambda: self.shared() == "in_use", seconds)

    def counted(self, metric, containing=""):
        """The sum of a metric's values whose labels contain this."""
        found = re.findall(rf"^{metric}(?:\{{(.*)\}})? (\S+)$", self.ask("/metrics").body.decode(), re.M)
        return sum(float(value) for labels, value in found if containing in labels)

    def give_token(self, client):
        return self._oauth("token", client, grant_type="client_credentials").json()["access_token"]

    def revoke(self, client, token):
        return self._oauth("revoke", client, token=token).status

    def _oauth(self, endpoint, client, **form):
        form = urlencode({**form, "client_id": client, "client_secret": configuration.CLIENT_SECRET})
        return self.ask(f"/oauth/{endpoint}", method="POST", form=form)


class Fleet:
    def __init__(self, directory, network, program):
        self.directory, self.network, self.program = directory, network, program
        self.outside = network.address("outside")
        self.balancer, self.lone_balancer = f"http://{self.outside}:8080", f"http://{self.outside}:8082"
        self.redis = RedisServer(directory, network)
        self.tokens = {}
        self.replicas = []

    def start(self):
        self.tokens = {client: configuration.token(client) for client in configuration.CLIENTS}
        sandbox = Served("sandbox", self.directory, [self.program, "sandbox", "--listen", f"{self.outside}:8090"]).start()
        self.gateway = sandbox.base_url()
        lines = sandbox.log.read_text().splitlines()
        gateway_part = "".join(f"{line}\n" for line in lines if re.match(r"\[tenants|\w+ = ", line))
        self.configuration = self.write("storegate.toml", configuration.settings(gateway_part, f"{self.redis.address}:{PORT}"))
        self.without_redis = self.write("lone.toml", configuration.settings(gateway_part))
        without_login = re.sub(r"\[tenants\.demo\.opretail\.login\][^\[]*", "", self.configuration.read_text())
        self.without_login = self.write("without-login.toml", without_login)
        self.redis.start()
        self.replicas = [self.replica(f"replica-{host}", host) for host in REPLICAS]
        self.lone = self.replica("lone", "outside", port=8081, settings=self.without_redis)
        for replica in (*self.replicas, self.lone):
            replica.start()
        self.all_share()
        self._start_nginx()
        self._start_load()

    def replica(self, name, host, port=8080, settings=None, variables=None, before=()):
        """One more replica, not yet started."""
        address = f"{self.network.address(host)}:{port}"
        command = [self.program, "serve", "--config", settings or self.configuration, "--listen", address]
        served = Served(name, self.directory, [*self.network.inside(host), *before, *command], variables)
        return Replica(name, f"http://{address}", served)

    def all_share(self, seconds=20):
        started = time.monotonic()
        for replica in self.replicas:
            replica.shares(seconds)
        return time.monotonic() - started

    def window(self):
        return Window(self.records)

    def order(self, what, by="POST", **order):
        """Tells the sandbox gateway how to behave."""
        answer = ask(self.gateway, f"/_sandbox/{what}", method=by, form=json.dumps(order) if order else None, timeout=5)
        if answer.status not in (200, 204):
            raise RuntimeError(f"the sandbox: {answer}")
        return answer

    def calls(self, method):
        return ask(self.gateway, "/_sandbox/calls").json()["methods"].get(method, 0)

    def mend(self):
        """After a scenario that broke off: everything as at the start."""
        self.order("faults", by="DELETE")
        self.order("behaviour", by="DELETE")
        if self.network.separate:
            self.network.heal("redis")
            self.network.heal("two")
        self.redis.restart()
        for replica in self.replicas:
            if not replica.served.runs():
                replica.start()
        self.all_share()

    def write(self, name, text):
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def _start_nginx(self):
        hosts = [replica.base.removeprefix("http://") for replica in self.replicas]
        text = configuration.balancer(self.directory, self.outside, hosts, self.lone.base.removeprefix("http://"))
        Program("nginx", self.directory, ["nginx", "-c", self.write("nginx.conf", text)]).start()
        wait_until("nginx answers", lambda: ask(self.balancer, "/healthz").status == 200)

    def _start_load(self):
        records = self.directory / "records.tsv"
        self.records = Records(records)
        plan = {"balancer": self.balancer, "lone": self.lone_balancer, "tokens": self.tokens, "records": str(records)}
        command = [sys.executable, Path(__file__).with_name("load.py"), self.write("plan.json", json.dumps(plan))]
        self.load = Program("load", self.directory, command).start()

    def stop_load(self):
        self.load.signal(signal.SIGTERM)
        self.load.child.wait(45)
