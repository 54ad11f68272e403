"""The result of a scenario."""

from dataclasses import dataclass, field
from typing import Self

from tests.faults.checker import NOTHING, Findings, check
from tests.faults.drain import drain, ends
from tests.faults.scene import Scene

ANSWER_SECONDS = 2.0  # the API must answer within this time, even without Redis


@dataclass
class ScenarioResult:
    """A row of the table."""

    name: str
    findings: Findings
    kills: int = 0
    recoveries: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def recovery_p99(self) -> float:
        return percentile(self.recoveries, 0.99)

    def row(self) -> str:
        found = self.findings
        recovery = f"{self.recovery_p99:.1f} s" if self.recoveries else "-"
        cells = (found.accepted, len(found.lost), len(found.duplicates), found.repeated, self.kills, recovery)
        told = f"{'FAIL' if self.faults else 'ok':6}{self.seconds:4.0f} s   {'; '.join(self.notes)}"
        return f"{self.name:16}" + "".join(f"{cell!s:>10}" for cell in cells) + f"   {told}".rstrip()

    @classmethod
    def of_control(cls, findings: Findings | None) -> Self:
        """Return the result of the control, which must lose tasks."""
        if findings is None:
            return cls("stock Celery", NOTHING, faults=["the control did not finish"])
        faults = [] if findings.lost else ["stock Celery lost nothing, so this suite proves nothing"]
        return cls("stock Celery", findings, faults=faults, notes=["the control, run beside the others"])


HEAD = f"{'scenario':16}" + "".join(
    f"{name:>10}" for name in ("accepted", "lost", "duplicate", "repeated", "kills", "recovery")
)


def evaluate(name: str, scene: Scene) -> ScenarioResult:
    """Wait until no task is open, then compare what was asked for with what was done."""
    drain(scene)
    ends(scene)
    workers(scene)
    api(scene)
    findings = check(scene.client_log.entries(), scene.sink, excused=frozenset(scene.excused))
    repeats(scene, findings)
    if findings.unknown:
        scene.notes.append(f"{findings.unknown} keys unknown to the client")
    faults = [*findings.faults(), *scene.faults]
    return ScenarioResult(name, findings, len(scene.kills), scene.recoveries, faults, scene.notes)


def repeats(scene: Scene, findings: Findings) -> None:
    """Allow a repeated request only after a kill of the process that sent it."""
    cuts = sum(kill.cuts for kill in scene.kills)
    scene.expect(findings.repeated <= cuts, f"{findings.repeated} repeated, {cuts} in flight at kills")
    killed = frozenset(pid for kill in scene.kills for pid in kill.pids)
    odd = scene.sink.unexplained(killed, leave_out=frozenset(scene.excused))
    scene.expect(not odd, f"{len(odd)} repeated without a kill of their process: {', '.join(odd[:3])}")


def workers(scene: Scene) -> None:
    for worker in scene.stack.workers:
        scene.expect(worker.running, f"{worker.name} ended by itself with {worker.exit_code}")
    orphans = scene.left_over()
    scene.expect(not orphans, f"{len(orphans)} processes of killed workers kept running")


def api(scene: Scene) -> None:
    answers = [answer for answer in scene.answers if answer.status]
    bad = sorted({answer.status for answer in answers if answer.status >= 500} - {503})
    scene.expect(not bad, f"the API answered with {bad}")
    slowest = max((answer.seconds for answer in scene.answers), default=0.0)
    scene.expect(slowest <= ANSWER_SECONDS, f"the API took {slowest:.1f} s for an answer")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0
