# SPDX-License-Identifier: GPL-3.0-or-later
"""The notification service: each notification once over each channel, whatever is delivered and whatever fails."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from moto.sns.models import sns_backends
from storefront_support import CUSTOMER, REGION, Aws, message, notification_requested

from sqs_worker import FatalError, RetryableError
from storefront.database import connect
from storefront.messages import NotificationRequested
from storefront.notification.app import create_app
from storefront.notification.channel import Channel, TemporaryFailureError
from storefront.notification.handler import NotificationHandler
from storefront.notification.mail import MailChannel
from storefront.notification.settings import NotificationSettings
from storefront.notification.sms import SmsChannel
from storefront.notification.store import SendingStore


class MailServer:
    """An SMTP server that answers as the test says and keeps what it accepted."""

    def __init__(self) -> None:
        self.recipient_reply = "250 2.1.5 OK"
        self.data_reply = "250 2.0.0 kept"
        self.mails: list[bytes] = []
        self.encrypted: list[bool] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_reply.startswith("250"):
            self.mails.append(envelope.original_content or b"")
            self.encrypted.append(session.ssl is not None)
        return self.data_reply


@pytest.fixture
def mail_server() -> MailServer:
    return MailServer()


class FreePortController(Controller):  # type: ignore[misc] # aiosmtpd has no types
    """A controller on whatever port is free; it looks for its server at that port, not at port 0."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def free_controller(handler: object, **options: Any) -> Controller:
    controller = FreePortController(handler, hostname="127.0.0.1", port=0, **options)
    controller.start()
    return controller


def port_of(controller: Controller) -> int:
    return int(controller.port)


@pytest.fixture
def settings(mail_server: MailServer, sqlite_url: str) -> Iterator[NotificationSettings]:
    controller = free_controller(mail_server)
    yield NotificationSettings(
        database_url=sqlite_url,
        smtp_host="127.0.0.1",
        smtp_port=port_of(controller),
        smtp_security="none",
        smtp_timeout=5,
        mail_from="shop@storefront.example",
    )
    controller.stop()


def handler_for(settings: NotificationSettings, *channels: Channel) -> NotificationHandler:
    store = SendingStore(connect(settings.database_url), lease=settings.lease)
    return NotificationHandler(store, channels or [MailChannel(settings)])


def shown(settings: NotificationSettings, order_id: str = "order-1") -> list[dict[str, Any]]:
    answer = TestClient(create_app(settings)).get(f"/notifications/{order_id}")
    found: list[dict[str, Any]] = answer.json()["notifications"]
    return found


def test_a_mail_arrives_with_a_message_id_that_never_changes(
    settings: NotificationSettings, mail_server: MailServer
) -> None:
    handler_for(settings).handle(message(notification_requested(customer=CUSTOMER | {"name": "Ada Lovelacé"})))
    (mail,) = mail_server.mails
    text = mail.decode()
    assert "Message-ID: <notification-1@storefront.example>" in text
    assert "Subject: Order order-1 is paid" in text
    assert "X-Order-ID: order-1" in text
    assert "SGD 51.90" in text
    (sending,) = shown(settings)
    assert (sending["channel"], sending["status"], sending["attempts"]) == ("email", "sent", 1)
    assert sending["reference"] == "<notification-1@storefront.example>"


def test_concurrent_and_repeated_deliveries_send_one_mail(
    settings: NotificationSettings, mail_server: MailServer
) -> None:
    handlers = [handler_for(settings) for _unused in range(4)]
    busy: list[RetryableError] = []

    def deliver(number: int) -> None:
        try:
            handlers[number % 4].handle(message(notification_requested()))
        except RetryableError as error:
            busy.append(error)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(24)))
    deliver(0)
    assert len(mail_server.mails) == 1
    assert all("being sent by another delivery" in str(error) for error in busy)


@pytest.mark.parametrize("where", ["recipient_reply", "data_reply"])
def test_a_temporary_refusal_is_tried_again_and_a_permanent_one_is_not(
    settings: NotificationSettings, mail_server: MailServer, where: str
) -> None:
    handler = handler_for(settings)
    setattr(mail_server, where, "451 4.7.1 <ada@shop.example> greylisted")
    with pytest.raises(RetryableError, match=r"451 4\.7\.1") as temporary:
        handler.handle(message(notification_requested()))
    assert "ada@" not in str(temporary.value)
    assert [(s["status"], s["attempts"]) for s in shown(settings)] == [("retrying", 1)]

    setattr(mail_server, where, "550 5.1.1 <ada@shop.example> unknown")
    with pytest.raises(FatalError, match=r"550 5\.1\.1") as permanent:
        handler.handle(message(notification_requested()))
    assert "ada@" not in str(permanent.value)
    assert [(s["status"], s["attempts"]) for s in shown(settings)] == [("failed", 2)]

    # Sent back from the dead-letter queue after the address was corrected on the other side.
    setattr(mail_server, where, "250 OK")
    handler.handle(message(notification_requested()))
    assert [(s["status"], s["attempts"], s["error"]) for s in shown(settings)] == [("sent", 3, None)]
    assert len(mail_server.mails) == 1


def test_a_server_that_does_not_answer_is_temporary(settings: NotificationSettings) -> None:
    with free_controller_port() as closed_port:
        handler = handler_for(settings.model_copy(update={"smtp_port": closed_port}))
    with pytest.raises(RetryableError, match="the mail server cannot be used: ConnectionRefusedError"):
        handler.handle(message(notification_requested()))


class free_controller_port:  # noqa: N801 - reads as a statement
    """A port on which nothing listens once the block is left."""

    def __enter__(self) -> int:
        self._controller = free_controller(MailServer())
        return port_of(self._controller)

    def __exit__(self, *_unused: object) -> None:
        self._controller.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return folder / "key.pem", folder / "certificate.pem"


@pytest.fixture
def secured(
    settings: NotificationSettings, mail_server: MailServer, certificate: tuple[Path, Path]
) -> Iterator[NotificationSettings]:
    """A server that takes mail only after STARTTLS and a log-in."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == b"right"
        return AuthResult(success=right, handled=right)

    controller = free_controller(
        mail_server, tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate
    )
    yield settings.model_validate(
        settings.model_dump()
        | {
            "smtp_port": port_of(controller),
            "smtp_security": "starttls",
            "smtp_username": "shop",
            "smtp_password": "right",
        }
    )
    controller.stop()


def test_mail_goes_over_starttls_with_a_log_in(
    secured: NotificationSettings, mail_server: MailServer, certificate: tuple[Path, Path]
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate[1]))
    handler_for(secured, MailChannel(secured, tls=trusting)).handle(message(notification_requested()))
    assert mail_server.encrypted == [True]


def test_a_certificate_that_is_not_trusted_gets_no_mail(secured: NotificationSettings, mail_server: MailServer) -> None:
    with pytest.raises(RetryableError, match="the mail server cannot be used: SSLCertVerificationError"):
        handler_for(secured).handle(message(notification_requested()))
    assert mail_server.mails == []


def test_a_wrong_password_blames_the_session_and_not_the_message(
    secured: NotificationSettings, mail_server: MailServer, certificate: tuple[Path, Path]
) -> None:
    wrong = secured.model_validate(secured.model_dump() | {"smtp_password": "hunter2"})
    trusting = ssl.create_default_context(cafile=str(certificate[1]))
    with pytest.raises(RetryableError, match="refused the session: 535") as error:
        handler_for(wrong, MailChannel(wrong, tls=trusting)).handle(message(notification_requested()))
    assert "hunter2" not in str(error.value)
    assert mail_server.mails == []


class FakeChannel:
    """A channel that does what it is told."""

    def __init__(self, name: str, send: Callable[[], str]) -> None:
        self.name = name
        self._send = send

    def reaches(self, notification: NotificationRequested) -> bool:
        return True

    def send(self, notification: NotificationRequested) -> str:
        return self._send()


def test_one_channel_does_not_hold_up_the_other(settings: NotificationSettings, mail_server: MailServer) -> None:
    def fail() -> str:
        raise TemporaryFailureError("SNS refused the SMS: Throttling")

    handler = handler_for(settings, FakeChannel("sms", fail), MailChannel(settings))
    for _unused in range(2):
        with pytest.raises(RetryableError, match="Throttling"):
            handler.handle(message(notification_requested()))
    assert len(mail_server.mails) == 1
    assert {s["channel"]: (s["status"], s["attempts"]) for s in shown(settings)} == {
        "email": ("sent", 1),
        "sms": ("retrying", 2),
    }


def test_a_sending_whose_holder_died_is_taken_over_after_its_lease(database_url: str) -> None:
    moment = datetime.datetime(2026, 11, 25, 2, tzinfo=datetime.UTC)
    lease = datetime.timedelta(seconds=40)
    times = iter([moment, moment + lease / 2, moment + lease * 2, moment + lease * 2])
    store = SendingStore(connect(database_url), lease=lease, clock=lambda: next(times))
    key = ("notification-1", "email")
    assert store.claim(*key, "order-1")
    with pytest.raises(Exception, match="being sent by another delivery"):
        store.claim(*key, "order-1")
    assert store.claim(*key, "order-1")
    store.sent(*key, "<reference>")
    (sending,) = store.of_order("order-1")
    assert (sending.attempts, sending.status, sending.sent_at) == (2, "sent", moment + lease * 2)


def test_an_sms_goes_to_customers_with_a_number(settings: NotificationSettings, aws: Aws) -> None:
    channel = SmsChannel(settings.model_copy(update={"aws_region": REGION}))
    handler = handler_for(settings, channel)
    handler.handle(message(notification_requested()))
    handler.handle(
        message(
            notification_requested(
                notification_id="notification-2", order_id="order-2", customer={"name": "B", "email": "b@shop.example"}
            )
        )
    )
    (sms,) = shown(settings)
    assert (sms["channel"], sms["status"]) == ("sms", "sent")
    published = sns_backends["123456789012"][REGION].sms_messages[sms["reference"]]
    assert published == (CUSTOMER["phone"], "Order order-1: payment of SGD 51.90 received.")
    assert TestClient(create_app(settings)).get("/notifications/order-2").status_code == 404


def test_sns_has_the_time_of_a_setting_of_its_own(settings: NotificationSettings) -> None:
    channel = SmsChannel(settings.model_copy(update={"smtp_timeout": 5, "sms_timeout": 3}))
    config = channel._sns.meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 3)


def test_concurrent_claims_of_a_new_sending_let_one_in(database_url: str) -> None:
    stores = [SendingStore(connect(database_url), lease=datetime.timedelta(seconds=40)) for _unused in range(4)]
    together = threading.Barrier(4)

    def claim(store: SendingStore) -> bool:
        together.wait(10)
        try:
            return store.claim("notification-1", "email", "order-1")
        except Exception as error:
            assert "being sent" in str(error)
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(claim, stores)) == 1
