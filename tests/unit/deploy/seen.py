"""What is in the cluster after a command."""

from tests.unit.deploy.fake_cluster import Cluster

OLD, NEW = "aaaaaaaaaaaa", "bbbbbbbbbbbb"


def image(cluster: Cluster, name: str) -> str:
    obj = cluster.find("Deployment", name)
    assert obj is not None
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


def states(cluster: Cluster) -> list[tuple[str, str]]:
    notes = [
        secret["metadata"]["annotations"] for secret in cluster.all("Secret") if "annotations" in secret["metadata"]
    ]
    return [(note["handoff.dev/revision"], note["handoff.dev/state"]) for note in notes]
