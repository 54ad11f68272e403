"""Golden files: the JSON schemas of each contract version, which queued tasks and older code rely on.

`python -m handoff_contracts.golden` writes missing files and reports every change, with exit code 1 if there is one.
With `--write` it also updates the files for compatible changes. It needs a checkout: a wheel has no golden files.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from handoff_contracts.catalogue import CATALOGUE, AnyContract
from handoff_contracts.compatibility import Incompatibility, Schema, incompatibilities, inline_definitions

FOLDER = Path(__file__).resolve().parents[2] / "golden"
Report = Callable[[str], object]


class _SerializedSchema(GenerateJsonSchema):
    """The schema of serialized JSON, which always contains the fields that have a default."""

    def field_is_required(self, *_: object, **__: object) -> bool:
        return True


def check(contracts: Iterable[AnyContract], folder: Path, report: Report, *, write: bool = False) -> int:
    """Compares contracts with the golden files in a folder, and reports each change and how to handle it.

    Returns an exit code: 1 if a contract differs from its file or is missing, otherwise 0.
    """
    contracts = list(contracts)
    versions = {contract.name: contract.version for contract in contracts}
    missing = [path for path in sorted(folder.glob("*.json")) if not _is_served(path, versions)]
    for path in missing:
        report(
            f"{path.stem} is gone, which BREAKS its queued tasks. Restore it; or delete {path.name} once no client"
            " sends it and none of its tasks is left."
        )
    results = [_check_contract(contract, folder, report, write=write) for contract in contracts]
    return 0 if all(results) and not missing else 1


def _is_served(path: Path, versions: dict[str, int]) -> bool:
    name, _, version = path.stem.rpartition(".v")
    return versions.get(name, 0) >= int(version)


def _check_contract(contract: AnyContract, folder: Path, report: Report, *, write: bool) -> bool:
    name, version = contract.name, contract.version
    path = folder / f"{name}.v{version}.json"
    present: Schema = {
        "payload": inline_definitions(contract.payload.model_json_schema()),
        "result": inline_definitions(
            contract.result.model_json_schema(mode="serialization", schema_generator=_SerializedSchema)
        ),
    }
    if not path.exists():
        path.write_text(json.dumps({**present, "examples": []}, indent=2) + "\n")
        report(f"Wrote {path.name}: add payloads that clients send to its examples.")
        return True
    golden = json.loads(path.read_text())
    examples = golden.pop("examples")
    breaking, compatible = compare(golden, present)
    breaking += _refused_examples(contract, examples)
    for sentence in breaking:
        report(f"{name} version {version} BREAKS queued tasks or older code: {sentence}")
    if breaking:
        report(
            f"Undo the change; or raise the version of {name} to {version + 1}, and keep a worker of version {version}"
            " until none of its tasks is left."
        )
        return False
    if golden == present:
        return True
    for sentence in compatible or ["only descriptions changed."]:
        report(f"{name} version {version} changed and stays compatible: {sentence}")
    if write:
        path.write_text(json.dumps({**present, "examples": examples}, indent=2) + "\n")
        report(f"Wrote {path.name}. Deploy the workers before the API.")
    else:
        report("Run `make contracts WRITE=1`.")
    return write


def compare(golden: Schema, present: Schema) -> tuple[list[str], list[str]]:
    """Returns the breaking and the compatible changes, one sentence each.

    A payload of yesterday must be valid for the code of today; a result of today must be valid for yesterday's reader.
    """
    breaking: list[str] = []
    compatible: list[str] = []
    for part, writer, reader in (("payload", golden, present), ("result", present, golden)):
        narrowed = [
            _describe(part, place, reverse=writer is present) for place in incompatibilities(writer[part], reader[part])
        ]
        widened = [
            _describe(part, place, reverse=reader is present) for place in incompatibilities(reader[part], writer[part])
        ]
        breaking += narrowed
        compatible += [sentence for sentence in widened if sentence not in narrowed]
    return breaking, compatible


def _describe(part: str, place: Incompatibility, *, reverse: bool) -> str:
    path, keyword, before, after = place
    if reverse:
        before, after = after, before
    return f"the {keyword} of {part}{path} was {_to_text(before)}, is {_to_text(after)}."


def _to_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _refused_examples(contract: AnyContract, examples: list[Any]) -> Iterator[str]:
    for number, example in enumerate(examples):
        try:
            contract.payload.model_validate(example)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            yield f"example {number} is no longer a valid payload ({where}: {problem['msg']})."


if __name__ == "__main__":
    raise SystemExit(
        check(CATALOGUE, FOLDER, lambda sentence: sys.stdout.write(f"{sentence}\n"), write="--write" in sys.argv[1:])
    )
