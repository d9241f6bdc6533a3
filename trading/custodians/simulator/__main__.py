"""`python -m trading.custodians.simulator`: a custodian of our own, on loopback, with a store of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from trading.custodians.simulator.app import make_app
from trading.custodians.simulator.clock import Hours
from trading.custodians.simulator.exchange import Exchange, Options, open_exchange
from trading.custodians.simulator.faults import BadFault

SECONDS_TO_STOP = 2


def read_options(words: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m trading.custodians.simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True, help="SQLite file; made when it is not there")
    parser.add_argument("--seed", type=int, required=True, help="fills and faults are a function of it")
    parser.add_argument("--key-id", required=True, help="the operator's key")
    parser.add_argument("--secret", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--fill-delay", dest="fill_delay_ms", type=int, default=50, metavar="MS")
    parser.add_argument("--market-buffer-bps", type=int, default=50, metavar="BPS")
    parser.add_argument("--rate-limit", type=int, default=100_000, help="requests a window and key")
    parser.add_argument("--rate-window", dest="rate_window_seconds", type=int, default=60, metavar="SECONDS")
    parser.add_argument("--faults", default="", help="such as 'reject,symbol=XYZ;accept_then_504,rate=0.05,times=3'")
    parser.add_argument("--text-frames", action="store_true", help="send text frames on /stream, not binary ones")
    hours = parser.add_mutually_exclusive_group()
    hours.add_argument("--always-open", dest="hours", action="store_const", const=Hours.ALWAYS_OPEN)
    hours.add_argument("--session-hours", dest="hours", action="store_const", const=Hours.SESSIONS)
    return Options(**vars(parser.parse_args(words)))


class SimulatorServer(uvicorn.Server):
    """Ends the event streams, which never end by themselves, when it is asked to stop."""

    def __init__(self, config: uvicorn.Config, exchange: Exchange) -> None:
        super().__init__(config)
        self._exchange = exchange

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._exchange.listeners.dismiss()
        super().handle_exit(sig, frame)


def main(words: list[str]) -> int:
    options = read_options(words)
    try:
        exchange = open_exchange(options)
    except BadFault as bad:
        print(bad, file=sys.stderr)
        return 2
    config = uvicorn.Config(
        make_app(exchange),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
    SimulatorServer(config, exchange).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
