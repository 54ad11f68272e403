"""An example of each Redis command that Handoff and Celery's transport use, by the kind of right that it needs.

`redis.acl_check_cmd` needs a complete command, because some servers crash on a wrong number of arguments.
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
PATTERNS = "psubscribe NAME"  # the user's rules must contain the same pattern
PLAIN = """
    eval s 0, evalsha s 0, exec, info, multi, ping, punsubscribe, script exists s, script load s, time, unsubscribe,
    waitaof 1 0 0
"""


def examples(kind: str) -> list[list[str]]:
    """Returns the commands of a text above, each split into its arguments."""
    return [example.split() for example in kind.split(",")]


EXAMPLES = {example[0]: example for kind in (READS, WRITES, BOTH, EITHER, CHANNELS) for example in examples(kind)}
