"""Redis's users: one for each service, which may do what its service does and nothing else."""

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
QUEUES = "~high* ~default* ~bulk* ~documents*"  # kombu asks for the lists of its message priorities, too
LEDGER = f"~{keys.PREFIX}* ~{keys.celery_result('*')} {QUEUES} &{keys.events('*')} &{keys.celery_result('*')}"
# Events, and the remote control by which Flower asks workers what they do.
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
    """Redis's ACL file for the users in `RULES`, which holds a hash of each one's password.

    `default` is off; `probe` needs no password and can PING, which is all that a health check needs.
    """
    lines = [
        # Nobody logs in as `default`, but Redis loads its append-only file as it: without rights every transaction in
        # there is refused, and what was accepted is lost.
        "user default reset off ~* &* +@all",
        "user probe reset on nopass -@all +ping",
    ]
    for name, rules in RULES.items():
        digest = hashlib.sha256(passwords[name].encode()).hexdigest()
        lines.append(f"user {name} reset on #{digest} {rules}")
    return "\n".join(lines) + "\n"
