"""Redis keeps what it was given, and the component for a managed one leaves nothing of ours."""

import shlex

from handoff_ledger.acl import RULES, users_file
from handoff_ledger.doctor import redis_faults
from tests.unit.k8s.rendering import bundle, component, container, named, pod, workloads

OWN = ("overlays/dev", "overlays/production")
MANAGED = ("tests/connected", "tests/everything")


def test_the_configuration_is_one_that_the_doctor_finds_nothing_in() -> None:
    config = named(bundle("overlays/production"), "ConfigMap", "handoff-redis")["data"]["redis.conf"]
    said = dict(line.split(" ", 1) for line in config.splitlines() if line and not line.startswith("#"))
    info = {
        "redis_version": container(named(bundle("overlays/production"), "StatefulSet", "redis"))["image"].split(":")[1],
        "maxmemory_policy": said["maxmemory-policy"],
        "aof_enabled": said["appendonly"] == "yes",
        "loading": 0,
        "maxmemory": 100,
        "used_memory": 10,
    }
    assert list(redis_faults(info)) == []
    assert (said["appendfsync"], said["save"]) == ("everysec", '""')
    assert said["list-compress-depth"] == "1"
    assert "maxmemory" not in said  # it goes by the pod's limit


def test_what_it_reads_and_writes_is_mounted() -> None:
    for overlay in OWN:
        redis = named(bundle(overlay), "StatefulSet", "redis")
        (config,) = (each["projected"] for each in pod(redis)["volumes"] if each["name"] == "config")
        assert {name for source in config["sources"] for name in source} == {"configMap", "secret"}
        (at,) = (each["mountPath"] for each in container(redis)["volumeMounts"] if each["name"] == "config")
        text = named(bundle(overlay), "ConfigMap", "handoff-redis")["data"]["redis.conf"]
        assert f"aclfile {at}/users.acl\n" in text
        assert "dir /data\n" in text
        assert {"mountPath": "/data", "name": "data"} in container(redis)["volumeMounts"]
        assert shlex.split(container(redis)["command"][2])[:3] == ["exec", "redis-server", f"{at}/redis.conf"]
        assert '"$((MEMORY_LIMIT / 10 * 7))"' in container(redis)["command"][2]
        assert "labels" not in redis["spec"]["volumeClaimTemplates"][0]["metadata"]  # nobody may change them later


def test_a_redis_that_loads_is_not_ready_and_not_killed() -> None:
    redis = container(named(bundle("overlays/production"), "StatefulSet", "redis"))
    ready, live = redis["readinessProbe"]["exec"]["command"], redis["livenessProbe"]["exec"]["command"]
    assert "-e" in ready  # an answer that is an error counts as one
    assert [word for word in ready if word != "-e"] == live
    assert "startupProbe" not in redis
    assert "user probe reset on nopass -@all +ping" in users_file(dict.fromkeys(RULES, "x"))
    assert live[live.index("--user") + 1] == "probe"


def test_a_managed_redis_leaves_nothing_of_ours() -> None:
    for overlay in MANAGED:
        assert not any(component(each) == "redis" for each in workloads(bundle(overlay)))
        left = {
            each["kind"]
            for each in bundle(overlay)
            if each["metadata"]["name"].startswith(("redis", "handoff-redis"))
            and each["metadata"]["name"] != "handoff-redis-urls"
        }
        assert left == {"PriorityClass"}
