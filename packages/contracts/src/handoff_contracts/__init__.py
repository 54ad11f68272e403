"""Contracts: one frozen value for each kind of task, shared by API, worker and Flower. Depends on pydantic alone."""

from handoff_contracts.catalogue import CATALOGUE, Catalogue, UnknownContract
from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.json_number import JSON_NUMBER
from handoff_contracts.queues import BULK, DEFAULT, DOCUMENTS, HIGH, QUEUES, Priority, Queue, queue_for

__all__ = [
    "BULK",
    "CATALOGUE",
    "DEFAULT",
    "DOCUMENTS",
    "HIGH",
    "JSON_NUMBER",
    "QUEUES",
    "Catalogue",
    "Contract",
    "Payload",
    "Policy",
    "Priority",
    "Queue",
    "Result",
    "UnknownContract",
    "queue_for",
]
