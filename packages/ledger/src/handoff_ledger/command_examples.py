"""An example of each command that Handoff and Celery's transport send to Redis, by the rights that the commands need.

`redis.acl_check_cmd` takes a command as it would be sent: with another number of arguments, some servers crash.
"""

NAME = "NAME"
READS = """
    get NAME, hget NAME f, hgetall NAME, hmget NAME f, lindex NAME 0, lrange NAME 0 0, smembers NAME, xrange NAME - +,
    xrevrange NAME + -, zcount NAME 0 0, zrange NAME 0 0, zrangebyscore NAME 0 0, zrank NAME m, zscore NAME m
"""
WRITES = """
    del NAME, hdel NAME f, hset NAME f v, lpush NAME v, persist NAME, pexpire NAME 1, rpush NAME v, sadd NAME m,
    set NAME v, srem NAME m, xadd NAME * f v, zadd NAME 0 m, zrem NAME m, zremrangebyscore NAME 0 0
"""
BOTH = "brpop NAME 0, hincrby NAME f 1, rpop NAME"
EITHER = "exists NAME, llen NAME, zcard NAME"
CHANNELS = "publish NAME m, subscribe NAME"
PATTERNS = "psubscribe NAME"  # the user's rules have to name the very pattern
PLAIN = """
    eval s 0, evalsha s 0, exec, info, multi, ping, punsubscribe, script exists s, script load s, time, unsubscribe,
    waitaof 1 0 0
"""


def examples(kind: str) -> list[list[str]]:
    """The commands of one of the texts above, each with its arguments."""
    return [example.split() for example in kind.split(",")]


EXAMPLES = {example[0]: example for kind in (READS, WRITES, BOTH, EITHER, CHANNELS) for example in examples(kind)}
