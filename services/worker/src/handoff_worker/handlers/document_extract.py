"""Handles `document.extract`."""

import asyncio

from handoff_contracts.tasks.document_extract import DOCUMENT_EXTRACT, DocumentExtract, Extracted
from handoff_worker.binding import handles
from handoff_worker.documents.extraction import extract_frames
from handoff_worker.documents.result import collect
from handoff_worker.documents.store import ResultFolder
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id


@handles(DOCUMENT_EXTRACT)
async def document_extract(request: DocumentExtract, resources: Resources) -> Extracted:
    blobs = resources.settings.blob_dir
    folder, keep = ResultFolder(blobs, current_task_id()), False
    try:
        async with extract_frames(request, blobs) as frames:
            result = await collect(frames, folder)
        keep = True
        return result
    finally:
        await asyncio.to_thread(folder.close, keep=keep)
