"""Handles `document.extract`."""

import asyncio

from handoff_contracts.tasks.document_extract import DOCUMENT_EXTRACT, DocumentExtract, Extracted
from handoff_worker.binding import handles
from handoff_worker.documents.extract import frames
from handoff_worker.documents.result import collect
from handoff_worker.documents.store import Store
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id


@handles(DOCUMENT_EXTRACT)
async def document_extract(ask: DocumentExtract, resources: Resources) -> Extracted:
    blobs = resources.settings.blob_dir
    store, keep = Store(blobs, current_task_id()), False
    try:
        async with frames(ask, blobs) as told:
            result = await collect(told, store)
        keep = True
        return result
    finally:
        await asyncio.to_thread(store.close, keep=keep)
