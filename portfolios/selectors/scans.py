"""What scans have found, for the screens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from portfolios.figures import day_text
from portfolios.models import Scan, ScanShard


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is. `done` and `total` count accounts."""

    id: int | None
    status: str
    done: int
    total: int
    percent: int
    sentence: str
    finished_at: datetime | None
    failures: tuple[str, ...]


NEVER = ScanProgress(None, "NONE", 0, 0, 0, "The book has not been scanned yet.", None, ())


def newest_scan(firm_id: int) -> Scan | None:
    return Scan.objects.for_firm(firm_id).order_by("-started_at", "-id").first()


def scan_progress(firm_id: int, scan_id: int) -> ScanProgress | None:
    """Progress of a scan, or nothing if the firm has no such scan."""
    scan = Scan.objects.for_firm(firm_id).filter(pk=scan_id).first()
    return _progress(scan) if scan else None


def newest_progress(firm_id: int) -> ScanProgress:
    scan = newest_scan(firm_id)
    return _progress(scan) if scan else NEVER


def _progress(scan: Scan) -> ScanProgress:
    shards = ScanShard.objects.for_firm(scan.firm_id).filter(scan=scan)
    sums = shards.filter(status=ScanShard.Status.DONE).aggregate(
        scanned=Sum("accounts_scanned", default=0),
        flagged=Sum("accounts_flagged", default=0),
        proposals=Sum("proposals_made", default=0),
    )
    failures = shards.filter(status=ScanShard.Status.FAILED).order_by("number").values_list("failure", flat=True)
    total = scan.accounts_total
    return ScanProgress(
        id=scan.pk,
        status=scan.status,
        done=sums["scanned"],
        total=total,
        percent=100 * sums["scanned"] // total,
        sentence=_sentence(scan, sums),
        finished_at=scan.finished_at,
        failures=tuple(failures),
    )


def _sentence(scan: Scan, sums: dict[str, int]) -> str:
    if scan.status == Scan.Status.RUNNING:
        return f"Scanning the book as of {day_text(scan.as_of)}"
    return (
        f"{sums['scanned']:,} accounts scanned as of {day_text(scan.as_of)}: "
        f"{sums['flagged']:,} need attention, {sums['proposals']:,} proposals"
    )
