"""The Celery application of `celery -A handoff_worker worker`."""

from celery import Celery
from kombu import Queue

from handoff_common.connections import celery_connection
from handoff_common.settings import load
from handoff_contracts import QUEUES
from handoff_worker.binding import bindings
from handoff_worker.celery_bridge import control, signals, startup, transport
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.celery_bridge.task import ContractTask
from handoff_worker.settings import Settings

settings = load(Settings)
broker = celery_connection(settings.broker_url)
transport.install()
app = Celery("handoff")
app.backend_cls = (
    "disabled"  # the ledger writes results; a backend of Celery would delay a shutdown while Redis is away
)
FIXED = {
    "broker_read_url": broker.url,  # CELERY_BROKER_URL would override `broker_url`
    "broker_write_url": broker.url,
    "task_queues": [Queue(name, routing_key=name) for name in QUEUES],
    "task_create_missing_queues": False,
    "task_default_queue": "default",
    "accept_content": ["json"],
    # The reconciler publishes a lost task again, so a received message needs no acknowledgement; see docs/decisions.
    "broker_transport_options": {"ack_emulation": False, "queue_order_strategy": "priority", **broker.transport},
    "broker_use_ssl": broker.ssl,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "task_acks_late": False,
    "worker_consumer": "handoff_worker.celery_bridge.consumer:Consumer",
    "worker_disable_prefetch": True,
    "worker_disable_rate_limits": True,  # the reconciler would publish a task that waits for one again and again
    "worker_cancel_long_running_tasks_on_connection_loss": False,
}
app.conf.update(
    **FIXED,
    worker_send_task_events=True,  # Flower enables events itself, but misses those of the first seconds
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=100_000,  # the memory limit ends a leaking process long before
    worker_max_memory_per_child=300_000,  # KB
    worker_hijack_root_logger=False,
)
process = PoolProcess(settings)
for binding in bindings():
    app.register_task(ContractTask(binding, process))
startup.connect(app, FIXED)
signals.connect(settings, process)
control.connect(settings, process)
