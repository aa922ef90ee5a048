# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: every problem at once, with its remedy, and no secret in the text."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from storefront.database import connect
from storefront.notification.settings import NotificationSettings
from storefront.order.settings import OrderSettings
from storefront.payment.settings import PaymentSettings
from storefront.settings import SettingsError, load_env_file

MAIL = {"SMTP_HOST": "127.0.0.1", "SMTP_SECURITY": "none", "MAIL_FROM": "shop@storefront.example"}


def test_what_is_missing_and_what_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        PaymentSettings.from_environment({"PORT": "eighty", "PAYMENT_QUEUE_URL": "http://127.0.0.1/queue"})
    lines = str(error.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("PORT=eighty: ")
    assert "PAYMENT_QUEUE_URL: " in lines[1]
    assert lines[2] == "NOTIFICATION_QUEUE_URL is not set: add it to the service's .env file"


def test_an_empty_variable_counts_as_unset() -> None:
    settings = OrderSettings.from_environment({"ORDER_QUEUE_URL": "http://127.0.0.1/order", "INVENTORY_QUEUE_URL": ""})
    assert settings.inventory_queue_url is None


@pytest.mark.parametrize("url", ["mysql://root:hunter2@db/shop", "hunter2", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL: ") as error:
        connect(url)
    assert "hunter2" not in str(error.value)


def test_a_database_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"the folder .*/file cannot be made"):
        connect(f"sqlite:///{tmp_path}/file/shop.sqlite3")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"SMTP_HOST": "mail.storefront.example"}, "SMTP_SECURITY=none: only for a server on this machine"),
        ({"SMTP_PASSWORD": "hunter2"}, "SMTP_USERNAME and SMTP_PASSWORD: set both"),
        ({"MAIL_FROM": "shop"}, "MAIL_FROM: "),
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY=ssl: "),
        ({"SMTP_TIMEOUT": "100"}, "SMTP_TIMEOUT=100: "),
        ({"SMS_TIMEOUT": "15"}, "SMS_TIMEOUT=15: "),
    ],
)
def test_mail_settings_that_do_not_fit_are_refused(change: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError) as error:
        NotificationSettings.from_environment(MAIL | change)
    assert str(error.value).startswith(reason)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("changed", [{}, {"SMTP_TIMEOUT": "2"}, {"SMS_TIMEOUT": "2"}])
def test_a_sending_is_claimed_for_as_long_as_its_slowest_channel_may_take(changed: dict[str, str]) -> None:
    assert NotificationSettings.from_environment(MAIL | changed).lease == timedelta(seconds=40)
    both = {"SMTP_TIMEOUT": "2", "SMS_TIMEOUT": "2"}
    assert NotificationSettings.from_environment(MAIL | both).lease == timedelta(seconds=8)


def test_mail_to_another_machine_is_encrypted_unless_told_how() -> None:
    settings = NotificationSettings.from_environment(
        {"SMTP_HOST": "mail.storefront.example", "MAIL_FROM": "shop@storefront.example"}
    )
    assert (settings.smtp_security, settings.smtp_port) == ("starttls", 587)


def test_the_env_file_wins_over_stale_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SF_ONE=file\nSF_TWO=$HOME/x # comment\n")
    monkeypatch.setenv("SF_ONE", "process")
    monkeypatch.setenv("SF_TWO", "registered, so that the test leaves nothing behind")
    monkeypatch.delenv("SF_TWO")
    monkeypatch.chdir(tmp_path)
    load_env_file(None)
    assert (os.environ["SF_ONE"], os.environ["SF_TWO"]) == ("file", "$HOME/x")


def test_an_env_file_that_is_not_there_is_told_when_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    load_env_file(None)
    with pytest.raises(SettingsError, match=r"other\.env: cannot be read"):
        load_env_file(Path("other.env"))
