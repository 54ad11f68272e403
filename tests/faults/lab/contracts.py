"""The suite's contracts. Attempts, back-off and lease of `faults.effect` and `faults.block` are the default ones."""

from handoff_contracts.contract import Contract, Payload, Policy, Result


class Order(Payload):
    """`token` is what the effect is for, `seconds` how long the work takes."""

    token: str
    seconds: float = 0.0


class Receipt(Result):
    token: str


EFFECT = Contract(
    name="faults.effect",
    version=1,
    payload=Order,
    result=Receipt,
    summary="Has one effect, on the event loop.",
    policy=Policy(pack=20, concurrency=5, time_limit=180),  # a scenario holds one for 90 s
)
BLOCK = Contract(
    name="faults.block",
    version=1,
    payload=Order,
    result=Receipt,
    summary="Has one effect, and blocks its process.",
)
SEGFAULT = Contract(
    name="faults.segfault",
    version=1,
    payload=Order,
    result=Receipt,
    summary="Reads from address 0.",
    policy=Policy(max_attempts=3),
)
HOG = Contract(
    name="faults.hog",
    version=1,
    payload=Order,
    result=Receipt,
    summary="Takes memory until there is no more, then is killed for it.",
    policy=Policy(max_attempts=3),
)
HANG = Contract(
    name="faults.hang",
    version=1,
    payload=Order,
    result=Receipt,
    summary="Turns for ever on the event loop, where no time limit reaches it but the hard one.",
    policy=Policy(time_limit=4, max_attempts=2),
)
SPIN = Contract(
    name="faults.spin",
    version=1,
    payload=Order,
    result=Receipt,
    summary="Turns for ever.",
    policy=Policy(time_limit=4, max_attempts=2, backoff=0.1),
)
