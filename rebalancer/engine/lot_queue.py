"""A priority queue of lots that is fast for many lots: one sorted run, and a heap for the few that came since.

A heap alone looks at lots all over the memory for every one it gives. The run is sorted when an eighth of it has come
anew, so that every lot is moved a few times in all, and giving one is reading the end of a list.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from rebalancer.engine.lot_orders import OpenLot

Entry = tuple[int, int, str, OpenLot]
"""The method's key, then the older lot, then the name."""
SHARE_OF_RUN = 8


class LotQueue:
    """Lots in the order of a key; a lot whose shares are all sold must be taken out while it is the head."""

    __slots__ = ("_arrived", "_heap", "_in_heap", "_key", "_run")

    def __init__(self, key: Callable[[OpenLot], int]) -> None:
        self._key = key
        self._run: list[Entry] = []
        self._heap: list[Entry] = []
        self._arrived: list[Entry] = []
        self._in_heap = False

    def __len__(self) -> int:
        return len(self._run) + len(self._heap) + len(self._arrived)

    def add(self, lot: OpenLot) -> None:
        self._arrived.append((self._key(lot), lot.since, lot.lot_id, lot))

    def head(self) -> OpenLot | None:
        """The first lot, or None of none."""
        if self._arrived:
            self._settle()
        run, heap = self._run, self._heap
        self._in_heap = bool(heap) and (not run or heap[0] < run[-1])
        if self._in_heap:
            return heap[0][3]
        return run[-1][3] if run else None

    def drop_head(self) -> None:
        """Take out what `head` gave last."""
        if self._in_heap:
            heapq.heappop(self._heap)
        else:
            self._run.pop()

    def moved_head(self) -> None:
        """What `head` gave last costs something else a share now: put it in its place again."""
        lot = (self._heap[0] if self._in_heap else self._run[-1])[3]
        entry = (self._key(lot), lot.since, lot.lot_id, lot)
        if self._in_heap:
            heapq.heapreplace(self._heap, entry)
        elif len(self._run) == 1 or entry < self._run[-2]:
            self._run[-1] = entry
        else:
            self._run.pop()
            self._arrived.append(entry)

    def keep(self, wanted: Callable[[OpenLot], bool]) -> None:
        """Leave out every other lot."""
        self._run = [entry for entry in self._run if wanted(entry[3])]
        self._arrived = [entry for entry in (*self._heap, *self._arrived) if wanted(entry[3])]
        self._heap = []

    def _settle(self) -> None:
        if SHARE_OF_RUN * (len(self._arrived) + len(self._heap)) > len(self._run):
            self._run += self._heap
            self._run += self._arrived
            self._run.sort(reverse=True)
            self._heap = []
        else:
            for entry in self._arrived:
                heapq.heappush(self._heap, entry)
        self._arrived = []
