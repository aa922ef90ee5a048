# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m storefront.demo``: places orders over HTTP and follows each one until it is paid and its mail has come.

Uses the standard library alone, so that any Python 3.11 can run it against services that are installed elsewhere.
"""

from __future__ import annotations

import argparse
import email.parser
import email.policy
import http.client
import json
import math
import statistics
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REQUEST_TIMEOUT_SECONDS = 10
POLL_SECONDS = 0.25
PARALLEL_REQUESTS = 8
_ARTICLES = (("TEA-OOLONG-100", 1450), ("CUP-PORCELAIN", 2290), ("KETTLE-1L", 8900), ("FILTER-50", 380))


class DemoError(Exception):
    """The demonstration cannot go on; the text says why and what helps."""


@dataclass
class Order:
    """One order on its way. Times are seconds of a monotonic clock."""

    order_id: str
    placed_at: float
    answered_at: float
    payment_seen_at: float | None = None
    paid_at: float | None = None
    notified_at: float | None = None
    mails: int = 0
    trouble: str = ""

    def seconds(self, moment: float | None) -> float:
        """Seconds from the request that placed the order to a later moment."""
        return math.nan if moment is None else moment - self.placed_at


@dataclass
class Services:
    """Where the services answer."""

    order: str
    payment: str
    notification: str


@dataclass
class MailSink:
    """Reads a Maildir that another process fills; every file is opened once."""

    directory: Path
    _read: set[str] = field(default_factory=set)

    def new_order_ids(self) -> Iterator[str]:
        """The X-Order-ID of each mail that has come since the last call."""
        try:
            names = {path.name for path in (self.directory / "new").iterdir()}
        except FileNotFoundError:
            raise DemoError(
                f"--mail-directory {self.directory}: is not a Maildir; is the SMTP sink running, with this directory?"
            ) from None
        for name in sorted(names - self._read):
            self._read.add(name)
            with (self.directory / "new" / name).open("rb") as stream:
                headers = email.parser.BytesHeaderParser(policy=email.policy.default).parse(stream)
            yield str(headers.get("X-Order-ID", ""))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line.

    :returns: 0 when every order was placed, paid and mailed once, else 1.
    """
    options = _parser().parse_args(arguments)
    services = Services(
        options.order_url.rstrip("/"), options.payment_url.rstrip("/"), options.notification_url.rstrip("/")
    )
    sink = MailSink(options.mail_directory) if options.mail_directory else None
    try:
        for name, url in vars(services).items():
            _check_health(name, url)
        if sink:
            for _unused in sink.new_order_ids():  # mails of earlier runs
                pass
        orders = place_orders(services.order, options.orders)
        follow(orders, services, sink, timeout=options.timeout)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return report(orders, wanted=options.orders, with_sink=sink is not None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m storefront.demo", description=__doc__)
    parser.add_argument("--orders", type=_positive, default=50, help="how many orders to place (default: %(default)s)")
    parser.add_argument("--order-url", default="http://127.0.0.1:8001", help="default: %(default)s")
    parser.add_argument("--payment-url", default="http://127.0.0.1:8002", help="default: %(default)s")
    parser.add_argument("--notification-url", default="http://127.0.0.1:8003", help="default: %(default)s")
    parser.add_argument(
        "--mail-directory",
        type=Path,
        help="Maildir of the SMTP sink; without it the notification service is believed",
    )
    parser.add_argument(
        "--timeout", type=_positive, default=180, metavar="SECONDS", help="for all of it (default: %(default)s)"
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 100000")
    return int(text)


def order_request(number: int) -> dict[str, Any]:
    """The body of ``POST /orders`` for one of many orders. Some customers leave a phone number, and get an SMS too."""
    sku, price = _ARTICLES[number % len(_ARTICLES)]
    phone = {"phone": f"+6580000{number % 10_000:04d}"} if number % 5 == 0 else {}
    return {
        "customer": {"name": f"Customer {number + 1}", "email": f"customer{number + 1}@shop.example", **phone},
        "items": [{"sku": sku, "quantity": 1 + number % 3, "unit_price": price}],
        "currency": "SGD",
    }


def place_orders(url: str, count: int) -> list[Order]:
    """Place orders, several at a time, each under an Idempotency-Key so that a repeated request orders nothing twice.

    :raises DemoError: the order service refuses or does not answer.
    """

    def place(number: int) -> Order:
        body = order_request(number)
        started = time.monotonic()
        answer = _request("order", f"{url}/orders", body=body, idempotency_key=str(uuid.uuid4()))
        if answer is None:
            raise DemoError(f"{url} has no /orders: is it the order service?")
        return Order(answer["order_id"], started, time.monotonic())

    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        return list(pool.map(place, range(count)))


def follow(orders: Sequence[Order], services: Services, sink: MailSink | None, *, timeout: float) -> None:
    """Watch until every order is paid and mailed, or the time is over; writes what was seen into the orders.

    A service that does not answer meanwhile, such as one that is being deployed, is asked again until then.
    """
    by_id = {order.order_id: order for order in orders}
    deadline = time.monotonic() + timeout

    def see_payment(order: Order) -> None:
        if order.payment_seen_at is None and _request("payment", f"{services.payment}/payments/{order.order_id}"):
            order.payment_seen_at = time.monotonic()

    def see_paid(order: Order) -> None:
        if order.paid_at is None:
            answer = _request("order", f"{services.order}/orders/{order.order_id}")
            if answer and answer["status"] == "paid":
                order.paid_at = time.monotonic()

    def see_mailed(order: Order) -> None:
        if order.notified_at is None:
            answer = _request("notification", f"{services.notification}/notifications/{order.order_id}")
            if answer and any(n["channel"] == "email" and n["status"] == "sent" for n in answer["notifications"]):
                order.notified_at = time.monotonic()

    def look(order: Order) -> None:
        order.trouble = ""
        for see in (see_payment, see_paid, see_mailed):
            try:
                see(order)
            except DemoError as error:
                order.trouble = str(error)

    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        while True:
            open_orders = [order for order in orders if not _done(order, with_sink=sink is not None)]
            if not open_orders or time.monotonic() >= deadline:
                return
            list(pool.map(look, open_orders))
            for order_id in sink.new_order_ids() if sink else ():
                if order_id in by_id:
                    by_id[order_id].mails += 1
            time.sleep(POLL_SECONDS)


def _done(order: Order, *, with_sink: bool) -> bool:
    seen = order.payment_seen_at is not None and order.paid_at is not None and order.notified_at is not None
    return seen and (order.mails > 0 or not with_sink)


def report(orders: Sequence[Order], *, wanted: int, with_sink: bool) -> int:
    """Print a line for each service and the verdict; returns the exit code."""
    paid = [order for order in orders if order.payment_seen_at is not None and order.paid_at is not None]
    mailed = [order for order in orders if order.notified_at is not None and (order.mails > 0 or not with_sink)]
    repeated = sum(order.mails > 1 for order in orders)
    lost = sum(not _done(order, with_sink=with_sink) for order in orders)
    rows: list[tuple[str, str, Callable[[Order], float]]] = [
        ("order", "accepted", lambda order: order.seconds(order.answered_at)),
        ("payment", "recorded", lambda order: order.seconds(order.payment_seen_at)),
        ("order", "marked paid", lambda order: order.seconds(order.paid_at)),
        ("notification", "mailed", lambda order: order.seconds(order.notified_at)),
    ]
    print(f"{'service':<14}{'what':<13}{'orders':>6}{'median':>10}{'95 %':>10}{'slowest':>10}")
    for service, what, measure in rows:
        times = sorted(value for value in map(measure, orders) if not math.isnan(value))
        print(f"{service:<14}{what:<13}{len(times):>6}" + "".join(f"{value:>8.2f} s" for value in _summary(times)))
    if repeated:
        print(f"{repeated} orders got more than one mail")
    for order in [order for order in orders if not _done(order, with_sink=with_sink)][:10]:
        print(f"order {order.order_id}: {_missing(order, with_sink=with_sink)}")
    print(f"demo: {len(orders)} orders placed, {len(paid)} paid, {len(mailed)} mailed, {lost} lost", flush=True)
    return 0 if len(orders) == len(paid) == len(mailed) == wanted and not lost and not repeated else 1


def _summary(times: Sequence[float]) -> tuple[float, ...]:
    if not times:
        return ()
    return statistics.median(times), times[math.ceil(0.95 * len(times)) - 1], times[-1]


def _missing(order: Order, *, with_sink: bool) -> str:
    steps = {
        "no payment in the payment service": order.payment_seen_at is None,
        "not marked paid in the order service": order.paid_at is None,
        "no mail in the notification service": order.notified_at is None,
        "no mail in the sink": with_sink and not order.mails,
    }
    return ", ".join([text for text, missing in steps.items() if missing] + [order.trouble] * bool(order.trouble))


def _check_health(name: str, url: str) -> None:
    try:
        _request(name, f"{url}/healthz")
    except DemoError as error:
        raise DemoError(f"{error}; is it running? Start it, or say where it is: --{name}-url") from None


def _request(
    service: str, url: str, *, body: dict[str, Any] | None = None, idempotency_key: str | None = None
) -> dict[str, Any] | None:
    """One answer as JSON; None for 404. Failures of the connection and 503 are tried again, three times in all."""
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)  # noqa: S310
    reason = ""
    for attempt in range(3):
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:  # noqa: S310
                document: dict[str, Any] = json.load(answer)
                return document
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            reason = f"answers {error.code} {error.reason}"
            if error.code != 503:
                break
        except (OSError, http.client.HTTPException, ValueError) as error:
            cause = getattr(error, "reason", error)
            reason = f"does not answer: {getattr(cause, 'strerror', None) or cause}"
        time.sleep(0.5 * (attempt + 1))
    raise DemoError(f"the {service} service at {url} {reason}")


if __name__ == "__main__":
    sys.exit(main())
