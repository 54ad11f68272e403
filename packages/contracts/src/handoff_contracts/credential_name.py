"""`CredentialName`: the name by which a payload selects one of the worker's credentials."""

from typing import Annotated

from pydantic import StringConstraints

CredentialName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
