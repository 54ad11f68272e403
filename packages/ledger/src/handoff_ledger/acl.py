"""Redis users with minimal rights, one for each service."""

import hashlib
from collections.abc import Mapping

from handoff_ledger import keys

SCRIPTS = """
    del exists get hdel hget hgetall hincrby hmget hset lindex lpush lrange persist pexpire publish rpush sadd set
    smembers srem time xadd xrange xrevrange zadd zcard zcount zrange zrank zrem zremrangebyscore zscore
    eval evalsha info
"""
KOMBU = """
    brpop del eval evalsha exec exists info llen lpush multi pexpire psubscribe publish punsubscribe rpop sadd
    script|exists script|load smembers srem subscribe time unsubscribe zadd zrangebyscore zrem
"""
QUEUES = "~high* ~default* ~bulk* ~documents*"  # kombu also reads a list for each message priority
LEDGER = f"~{keys.PREFIX}* ~{keys.celery_result('*')} {QUEUES} &{keys.events('*')} &{keys.celery_result('*')}"
# Celery's events, and the remote control with which Flower inspects workers.
CELERY = "~_kombu.binding* ~*.celery.pidbox* ~celeryev.* &/0.celeryev/* &/0.celery.pidbox &/0.*.reply.celery.pidbox"


def _may(commands: str) -> str:
    return " ".join(["-@all", "+@connection", "-@dangerous", *(f"+{command}" for command in commands.split())])


RULES: Mapping[str, str] = {
    "api": f"{LEDGER} {_may(SCRIPTS)} +waitaof +subscribe +unsubscribe",
    "worker": f"{LEDGER} {CELERY} {_may(SCRIPTS + KOMBU)}",
    "flower": f"{QUEUES} {CELERY} {_may(KOMBU)}",
    "admin": "~* &* +@all",
}


def users_file(passwords: Mapping[str, str]) -> str:
    """Returns Redis's ACL file for the users in `RULES`, with a hash of each password.

    The user `default` is off. The user `probe` can PING without a password, for health checks.
    """
    lines = [
        # Redis replays its append-only file as `default`. Without rights, it would refuse the file's transactions and
        # lose accepted tasks.
        "user default reset off ~* &* +@all",
        "user probe reset on nopass -@all +ping",
    ]
    for name, rules in RULES.items():
        digest = hashlib.sha256(passwords[name].encode()).hexdigest()
        lines.append(f"user {name} reset on #{digest} {rules}")
    return "\n".join(lines) + "\n"
