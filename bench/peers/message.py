"""The request body of every peer: the fields of a push."""

from pydantic import BaseModel


class Push(BaseModel):
    token: str
    title: str
    body: str
