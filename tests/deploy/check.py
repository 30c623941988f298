"""Holds what is said about metrics under deploy/ against the program: every name, label and value in the dashboard, the alerts
and the autoscaler's rules must be one that it has.

    check.py metrics URL    the program at this address is asked for some answers, good and bad, and for its metrics
    check.py expressions    writes the dashboard's queries as rules, for promtool to read; $variables have got values
    check.py alerts         each alert says what to do, is tested, and names commands that the program has
    check.py image          user and port of the image, and the times that a stop takes, are those of the manifests
    check.py configuration  prints the configuration that the manifests mount

Is run by tests/deploy/run from the root of the project. STOREGATE_PROGRAM, TOKEN, CLIENT_ID and CLIENT_SECRET are those of a
running demo.
"""

import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

DEPLOY = Path("deploy")
DASHBOARD = DEPLOY / "grafana/storegate.json"
ALERTS = DEPLOY / "prometheus/alerts.yaml"
ALERTS_TEST = DEPLOY / "prometheus/alerts_test.yaml"
ADAPTER = DEPLOY / "kubernetes/prometheus-adapter.yaml"
AUTOSCALER = DEPLOY / "kubernetes/horizontalpodautoscaler.yaml"
DEPLOYMENT = DEPLOY / "kubernetes/deployment.yaml"
CONFIGURATION = DEPLOY / "kubernetes/configmap.yaml"
METRICS = Path("src/telemetry/metrics/meters.rs")

# What Prometheus and its adapter put on series of their own.
OF_PROMETHEUS = {"instance", "job", "le", "namespace", "pod", "alertname", "alertstate"}
SUFFIXES = ("_bucket", "_sum", "_count")


class Problems:
    """What is wrong, all of it at once."""

    def __init__(self):
        self.found = []

    def unless(self, holds, problem):
        if not holds:
            self.found.append(problem)

    def end(self, good):
        for problem in self.found:
            print(problem, file=sys.stderr)
        if self.found:
            sys.exit(1)
        print(good)


def queries_of_dashboard():
    """Each query with the title of its panel."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']!r}", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation {annotation['name']!r}", annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            # label_values(SERIES, LABEL): the label is held against the series like one that is grouped by.
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
            yield f"variable {variable['name']!r}", f"count by ({label}) ({series})"


def with_values(query):
    """The query as Grafana sends it."""
    query = query.replace("$__rate_interval", "5m")
    return re.sub(r"\$(instance|gateway)\b", ".*", query)


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def queries():
    """All of them, each with where it stands."""
    yield from ((where, with_values(query)) for where, query in queries_of_dashboard())
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for rule in yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]:
        yield f"adapter {rule['name']['as']}", rule["seriesQuery"]
        yield f"adapter {rule['name']['as']}", rule["metricsQuery"].replace("<<.GroupBy>>", "pod").replace(
            "<<.LabelMatchers>>", 'namespace="a"'
        )


def metrics_of_source():
    """Names with their labels, as the one file that knows them has them."""
    meters = re.findall(r'^    (\w+)\(([\w, ]*)\) = "(storegate_\w+)",', METRICS.read_text(), re.MULTILINE)
    labels = {name: set(filter(None, labels.split(", "))) for _, labels, name in meters}
    histograms = {name for _, _, name in meters if name.endswith("_duration_seconds")}
    return labels, histograms


def metrics_of_scrape(text):
    labels = {}
    for name, matchers in re.findall(r"^(storegate_\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', matchers))
    return labels


def words_of_source():
    """Every text in the program: names of resources, outcomes and states are among them."""
    words = set()
    for file in Path("src").rglob("*.rs"):
        words.update(re.findall(r'"([a-z0-9_]+)"', file.read_text()))
    return words


def call(url, method="GET", token=None, form=None, client=None):
    headers = {}
    if token:
        headers["authorization"] = f"Bearer {token}"
    if client:
        headers["authorization"] = "Basic " + base64.b64encode(client.encode()).decode()
    request = Request(url, form.encode() if form else None, headers, method=method)
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.read().decode()
    except HTTPError as error:
        return error.read().decode()


def make_traffic(url):
    token, client = os.environ["TOKEN"], f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}"
    for path in ["/stores", "/stores/S_123456/flow", "/stores/S_123456/flow", "/stores/S_100001/demographics", "/flow?store_id=S_1",
                 "/stores/S_123456/overview", "/stores/S_123456/flow/events?limit=1", "/inspections?page=none", "/nowhere"]:
        call(url + path, token=token)
    call(url + "/stores")
    call(url + "/oauth/token", "POST", form="grant_type=client_credentials", client=client)
    call(url + "/oauth/token", "POST", form="grant_type=client_credentials", client=client + "x")
    given = json.loads(call(url + "/oauth/token", "POST", form="grant_type=client_credentials", client=client))
    call(url + "/oauth/revoke", "POST", form=f"token={given['access_token']}", client=client)
    # The size of the cache is measured every five seconds.
    for _ in range(20):
        scraped = call(url + "/metrics")
        if "storegate_cache_entries" in scraped:
            break
        time.sleep(0.5)
    return scraped


def check_metrics(url):
    problems = Problems()
    scraped = metrics_of_scrape(make_traffic(url))
    source, histograms = metrics_of_source()
    problems.unless(len(scraped) > 20, f"only {len(scraped)} series were scraped")
    known = {}
    for name, labels in source.items():
        known.update({name + suffix: labels for suffix in SUFFIXES} if name in histograms else {name: labels})
    for name, labels in scraped.items():
        problems.unless(name in known, f"the program has {name}, and {METRICS} does not")
        of_source = known.get(name, set()) | ({"le"} if name.endswith("_bucket") else set())
        problems.unless(labels <= of_source, f"{name} has the labels {sorted(labels)}, and {METRICS} gives {sorted(of_source)}")
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    words = words_of_source()
    used = set()
    for where, query in queries():
        labels_there = set(OF_PROMETHEUS)
        for name, matchers in re.findall(r"(storegate[_:][\w:]+)(?:\{([^}]*)\})?", query):
            if name in recorded:
                labels_there |= {"resource", "gateway"}
                continue
            problems.unless(name in known or name in scraped, f"{where}: there is no {name}")
            used.add(name)
            labels = known.get(name, set()) | scraped.get(name, set())
            labels_there |= labels
            for label, values in re.findall(r'(\w+)[=!]~?"([^"]*)"', matchers):
                problems.unless(label in labels | OF_PROMETHEUS, f"{where}: {name} has no label {label}")
                for value in values.split("|") if label not in OF_PROMETHEUS | {"status"} else []:
                    problems.unless(value in words or not re.fullmatch(r"\w+", value), f"{where}: nothing is called {label}={value!r}")
        for grouping in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
            for label in filter(None, grouping.replace(" ", "").split(",")):
                problems.unless(label in labels_there, f"{where}: nothing there has the label {label}")
    made = {rule["name"]["as"] for rule in yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]}
    for metric in yaml.safe_load(AUTOSCALER.read_text())["spec"]["metrics"]:
        name = metric["pods"]["metric"]["name"]
        problems.unless(name in made, f"the autoscaler asks for {name}, which the adapter does not make")
    of_scrape = sum(name in scraped for name in used)
    problems.end(f"{len(used)} metrics are used, {of_scrape} of them scraped just now, the others known to {METRICS}")


def write_expressions():
    written = [{"record": f"dashboard:query:{number}", "expr": with_values(query)}
               for number, (_, query) in enumerate(queries_of_dashboard())]
    print(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": written}]}, width=10_000))


def check_alerts():
    problems = Problems()
    tests = ALERTS_TEST.read_text()
    commands = set(re.findall(r"^  (\w+) ", subprocess.run(
        [os.environ["STOREGATE_PROGRAM"], "--help"], check=True, capture_output=True, text=True).stdout, re.MULTILINE))
    alerts = [rule for rule in rules() if "alert" in rule]
    for alert in alerts:
        name, annotations = alert["alert"], alert.get("annotations", {})
        problems.unless(alert.get("labels", {}).get("severity") in ("warning", "critical"), f"{name}: no severity")
        for part in ("summary", "description", "runbook"):
            problems.unless(annotations.get(part), f"{name}: no {part}")
        problems.unless(f'alertname="{name}"' in tests, f"{name} is not tested")
        for command in re.findall(r"`storegate (\w+)", annotations.get("runbook", "")):
            problems.unless(command in commands, f"{name}: there is no command `storegate {command}`")
    problems.end(f"{len(alerts)} alerts, each tested and with what to do")


def configuration():
    return yaml.safe_load(CONFIGURATION.read_text())["data"]["storegate.toml"]


def check_image():
    problems = Problems()
    dockerfile = Path("Dockerfile").read_text()
    user = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)
    port = re.search(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)
    pod = yaml.safe_load(DEPLOYMENT.read_text())["spec"]["template"]["spec"]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    if not (user and port):
        sys.exit("the Dockerfile has no USER with numbers, or no EXPOSE")
    security, container = pod["securityContext"], pod["containers"][0]
    problems.unless((str(security["runAsUser"]), str(security["runAsGroup"])) == user.groups(), "the pod runs as another user")
    problems.unless(str(container["ports"][0]["containerPort"]) == port.group(1), "the pod has another port")
    problems.unless(compose["storegate-1"]["user"] == ":".join(user.groups()), "compose runs it as another user")
    problems.unless("HEALTHCHECK" in dockerfile and '"/usr/bin/storegate", "health"' in dockerfile, "no HEALTHCHECK")
    config = configuration()
    seconds = {key: int(re.search(rf'^{key} = "(\d+)s"$', config, re.MULTILINE).group(1)) for key in ("stop_delay", "drain")}
    needed = sum(seconds.values()) + 1
    problems.unless(pod["terminationGracePeriodSeconds"] > needed, f"a pod needs more than {needed} s to end")
    for name, service in compose.items():
        for guard in ("read_only", "cap_drop", "security_opt"):
            problems.unless(service.get(guard), f"the service {name} has no {guard}")
    problems.end("image, pod and services agree")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    {
        "metrics": check_metrics,
        "expressions": write_expressions,
        "alerts": check_alerts,
        "image": check_image,
        "configuration": lambda: print(configuration()),
    }[what](*rest)
