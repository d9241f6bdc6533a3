from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from accounts.tenancy import firm_ids
from trading.services.streams import connection_ids, listen
from trading.tasks.orders import work_orders

LOOK_AGAIN_SECONDS = 5


class Command(BaseCommand):
    help = "Listens to the event stream of every custodian connection of every firm, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        listeners: dict[int, threading.Thread] = {}
        self.stdout.write("listening")
        self.stdout.flush()
        while not stop.is_set():
            for firm_id in firm_ids():
                for connection_id in connection_ids(firm_id=firm_id):
                    if connection_id not in listeners or not listeners[connection_id].is_alive():
                        listeners[connection_id] = self._listener(firm_id, connection_id, stop)
            close_old_connections()
            stop.wait(LOOK_AGAIN_SECONDS)
        for thread in listeners.values():
            thread.join(timeout=LOOK_AGAIN_SECONDS)
        self.stdout.write("stopped listening")

    def _listener(self, firm_id: int, connection_id: int, stop: threading.Event) -> threading.Thread:
        self.stdout.write(f"listening on connection {connection_id} of firm {firm_id}")
        thread = threading.Thread(
            target=listen,
            kwargs={
                "firm_id": firm_id,
                "connection_id": connection_id,
                "stop": stop,
                "clock": timezone.now,
                "after": lambda: work_orders.delay(firm_id),
            },
            daemon=True,
        )
        thread.start()
        return thread
