"""The machines of a run and the two wires between them: `front`, over which callers, nginx, replicas and the gateway speak,
and `back`, over which replicas reach Redis. Each machine is a network namespace; to cut one off from Redis is to unplug it
from the back, so that packets vanish and nobody is told. Without root all of them are addresses of the loopback device, and
nothing can be cut.
"""

import subprocess

HOSTS = {"outside": 1, "redis": 10, "one": 11, "two": 12, "three": 13}
REPLICAS = ("one", "two", "three")
SIDES = {"front": 99, "back": 98}


class Network:
    def __init__(self, separate):
        self.separate = separate
        if separate:
            self._build()

    def address(self, host, side="front"):
        return f"{10 if self.separate else 127}.{SIDES[side]}.0.{HOSTS[host]}"

    def inside(self, host):
        """What stands before a command that runs on this machine."""
        if not self.separate or host == "outside":
            return []
        return ["nsenter", f"--net=/run/netns/{host}"]

    def cut(self, host):
        ip("link", "set", f"back-{host}", "nomaster")

    def heal(self, host):
        ip("link", "set", f"back-{host}", "master", "back")

    def _build(self):
        subprocess.run(["mkdir", "-p", "/run/netns"], check=True)
        # The run has mounts of its own, so that its names meet nobody else's.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
        ip("link", "set", "lo", "up")
        for side in SIDES:
            ip("link", "add", side, "address", hardware("outside", side), "type", "bridge", "forward_delay", "0")
            ip("address", "add", f"{self.address('outside', side)}/24", "dev", side)
            ip("link", "set", side, "up")
        for host in HOSTS:
            if host != "outside":
                self._add(host)

    def _add(self, host):
        ip("netns", "add", host)
        ip("-n", host, "link", "set", "lo", "up")
        for side in SIDES:
            port = f"{side}-{host}"
            ip("link", "add", port, "type", "veth", "peer", "name", side, "address", hardware(host, side), "netns", host)
            ip("link", "set", port, "master", side, "up")
            ip("-n", host, "address", "add", f"{self.address(host, side)}/24", "dev", side)
            ip("-n", host, "link", "set", side, "up")
            # Neighbours are known for good: a machine that is cut off must not be told so by failed questions for them.
            for other in HOSTS:
                if other != host:
                    known = [self.address(other, side), "lladdr", hardware(other, side), "dev", side, "nud", "permanent"]
                    ip("-n", host, "neighbour", "replace", *known)


def hardware(host, side):
    return f"02:00:00:{SIDES[side]:02x}:00:{HOSTS[host]:02x}"


def ip(*words):
    subprocess.run(["ip", *words], check=True)
