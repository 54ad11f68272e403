"""Golden files: the JSON schemas that messages in flight and older code were made for, a file for each version.

`python -m handoff_contracts.golden` writes what is missing and tells what changed, with 1 as its exit code if something
did; `--write` takes over what breaks nothing. It is run in a checkout: a wheel holds no golden files.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from handoff_contracts.catalogue import CATALOGUE, AnyContract
from handoff_contracts.compatibility import Misfit, Schema, inlined, misfits

FOLDER = Path(__file__).resolve().parents[2] / "golden"
Tell = Callable[[str], object]


class _Given(GenerateJsonSchema):
    """The schema of what is given: a field with a default is always there."""

    def field_is_required(self, *_: object, **__: object) -> bool:
        return True


def check(contracts: Iterable[AnyContract], folder: Path, tell: Tell, *, write: bool = False) -> int:
    """Compares contracts with a folder's golden files and tells, in sentences, what changed and what to do.

    Gives an exit code: 1 when something changed that is not written now.
    """
    contracts = list(contracts)
    versions = {contract.name: contract.version for contract in contracts}
    gone = [path for path in sorted(folder.glob("*.json")) if not _served(path, versions)]
    for path in gone:
        tell(
            f"{path.stem} is gone, which BREAKS its older messages. Put it back; or delete {path.name} when no client"
            " sends it and none of its tasks is left."
        )
    kept = [_check(contract, folder, tell, write=write) for contract in contracts]
    return 0 if all(kept) and not gone else 1


def _served(path: Path, versions: dict[str, int]) -> bool:
    name, _, version = path.stem.rpartition(".v")
    return versions.get(name, 0) >= int(version)


def _check(contract: AnyContract, folder: Path, tell: Tell, *, write: bool) -> bool:
    name, version = contract.name, contract.version
    path = folder / f"{name}.v{version}.json"
    present: Schema = {
        "payload": inlined(contract.payload.model_json_schema()),
        "result": inlined(contract.result.model_json_schema(mode="serialization", schema_generator=_Given)),
    }
    if not path.exists():
        path.write_text(json.dumps({**present, "examples": []}, indent=2) + "\n")
        tell(f"Wrote {path.name}: put payloads that clients send into its examples.")
        return True
    golden = json.loads(path.read_text())
    examples = golden.pop("examples")
    breaking, harmless = compare(golden, present)
    breaking += _refused(contract, examples)
    for sentence in breaking:
        tell(f"{name} version {version} BREAKS older messages or older code: {sentence}")
    if breaking:
        tell(
            f"Undo it; or raise the version of {name} to {version + 1}, and keep a worker of version {version} until"
            " none of its tasks is left."
        )
        return False
    if golden == present:
        return True
    for sentence in harmless or ["only words changed."]:
        tell(f"{name} version {version} changed and stays compatible: {sentence}")
    if write:
        path.write_text(json.dumps({**present, "examples": examples}, indent=2) + "\n")
        tell(f"Wrote {path.name}. Deploy the workers before the API.")
    else:
        tell("Run `python -m handoff_contracts.golden --write`.")
    return write


def compare(golden: Schema, present: Schema) -> tuple[list[str], list[str]]:
    """What changed, as sentences: what breaks older messages and older code, and what does not."""
    breaking: list[str] = []
    harmless: list[str] = []
    # What was a payload still has to be one; a result of today has to be one for yesterday's reader.
    for part, giver, taker in (("payload", golden, present), ("result", present, golden)):
        narrowed = [_told(part, misfit, back=giver is present) for misfit in misfits(giver[part], taker[part])]
        widened = [_told(part, misfit, back=taker is present) for misfit in misfits(taker[part], giver[part])]
        breaking += narrowed
        harmless += [sentence for sentence in widened if sentence not in narrowed]
    return breaking, harmless


def _told(part: str, misfit: Misfit, *, back: bool) -> str:
    path, what, was, now = misfit
    if back:
        was, now = now, was
    return f"the {what} of {part}{path} was {_short(was)}, is {_short(now)}."


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _refused(contract: AnyContract, examples: list[Any]) -> Iterator[str]:
    for number, example in enumerate(examples):
        try:
            contract.payload.model_validate(example)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            yield f"example {number} is no payload now ({where}: {fault['msg']})."


if __name__ == "__main__":
    raise SystemExit(
        check(CATALOGUE, FOLDER, lambda sentence: sys.stdout.write(f"{sentence}\n"), write="--write" in sys.argv[1:])
    )
