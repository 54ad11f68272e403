"""Takes a right from the user of Redis, connections that are open included."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from tests.faults.scene import Scene

ADMIN = "faults-admin"


@contextmanager
def revoke_right(scene: Scene, rule: str) -> Iterator[None]:
    """Applies an ACL rule to the stack's user, and gives everything back at the end."""
    scene.redis.acl_setuser(ADMIN, enabled=True, nopass=True, commands=["+@all"], keys=["*"], channels=["*"])
    with Redis(
        port=scene.stack.redis.port, username=ADMIN, password="any"
    ) as admin:  # a user without a password takes any
        admin.execute_command("ACL", "SETUSER", "default", rule)
        try:
            yield
        finally:
            admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
