"""What the consumers' own code reads from our databags.

The databags come on stdin as JSON: for each relation `app`, the databag of the application, and `unit`, that of the unit.
What each consumer made of them goes to stdout. Needs ops with ops-scenario, cosl, and the charm libraries of the consumers
in the Python path; without a library its relation is left out.
"""

import importlib
import json
import sys

import ops
from cosl import DashboardPath40UID, JujuTopology, LZMABase64
from ops.testing import Context, PeerRelation, Relation, State


def consume(name, interface, role, bags, build, read):
    """Builds the consumer in a charm of its own with our databags, and returns what it read."""

    class Consumer(ops.CharmBase):
        def __init__(self, framework):
            super().__init__(framework)
            self.peers = self.model.get_relation("grafana")
            self.consumer = build(self)

    meta = {
        "name": "consumer",
        role: {name: {"interface": interface}},
        # Where Grafana's keeps what it has read.
        "peers": {"grafana": {"interface": "grafana_peers"}},
    }
    relation = Relation(
        name,
        interface=interface,
        remote_app_name="ckf-backup",
        remote_app_data=bags["app"],
        remote_units_data={0: bags.get("unit", {})},
    )
    context = Context(Consumer, meta=meta)
    event = context.on.relation_changed(relation, remote_unit=0)
    with context(event, State(relations={relation, PeerRelation("grafana")}, leader=True)) as manager:
        state = manager.run()
        found = read(manager.charm.consumer)
    answer = state.get_relation(relation.id).local_app_data
    return {"read": found, "answer": dict(answer)}


def prometheus(bags):
    lib = importlib.import_module("charms.prometheus_k8s.v0.prometheus_scrape")
    return consume(
        "metrics-endpoint", "prometheus_scrape", "requires", bags,
        lambda charm: lib.MetricsEndpointConsumer(charm),
        lambda consumer: {"jobs": consumer.jobs(), "alerts": consumer.alerts},
    )


def grafana(bags):
    lib = importlib.import_module("charms.grafana_k8s.v0.grafana_dashboard")
    return consume(
        "grafana-dashboard", "grafana_dashboard", "requires", bags,
        lambda charm: lib.GrafanaDashboardConsumer(charm),
        lambda consumer: consumer.dashboards,
    )


def loki(bags):
    lib = importlib.import_module("charms.loki_k8s.v1.loki_push_api")
    return consume(
        "logging", "loki_push_api", "provides", bags,
        lambda charm: lib.LokiPushApiProvider(charm),
        lambda consumer: {"alerts": consumer.alerts},
    )


def links(bags):
    lib = importlib.import_module("charms.kubeflow_dashboard.v0.kubeflow_dashboard_links")
    return consume(
        "dashboard-links", "kubeflow_dashboard_links", "requires", bags,
        lambda charm: lib.KubeflowDashboardLinksProvider(charm, relation_name="dashboard-links"),
        lambda consumer: json.loads(consumer.get_dashboard_links_as_json()),
    )


def s3(bags):
    lib = importlib.import_module("charms.data_platform_libs.v0.s3")
    return consume(
        "s3-parameters", "s3", "requires", bags,
        lambda charm: lib.S3Requirer(charm, "s3-parameters"),
        lambda consumer: consumer.get_s3_connection_info(),
    )


consumers = {
    "metrics-endpoint": prometheus,
    "grafana-dashboard": grafana,
    "logging": loki,
    "dashboard-links": links,
    "s3-parameters": s3,
}



def shared_code(bags):
    """What the package tells that the libraries of all consumers share."""
    templates = json.loads(bags["grafana-dashboard"]["app"]["dashboards"])["templates"]
    [dashboard] = [json.loads(LZMABase64.decompress(one["content"])) for one in templates.values()]
    topology = JujuTopology.from_dict(json.loads(bags["metrics-endpoint"]["app"]["scrape_metadata"]))
    return {
        "title": dashboard["title"],
        "uid": dashboard["uid"] == DashboardPath40UID.generate("ckf-backup", "src/dashboard.json"),
        "identifier": topology.identifier,
    }


databags = json.load(sys.stdin)
results = {"cosl": shared_code(databags)}
for relation, bags in databags.items():
    try:
        results[relation] = consumers[relation](bags)
    except ModuleNotFoundError as missing:
        results[relation] = {"missing": str(missing.name)}
json.dump(results, sys.stdout, default=str)
