"""What a process is told from outside, read once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest

from placet.engine.errors import SettingsError
from placet.engine.settings import Settings

NO_PROFILE = {"TEMPORAL_CONFIG_FILE": "/dev/null"}


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.from_environment(NO_PROFILE)
    assert settings.url == "http://127.0.0.1:7117"
    assert settings.temporal_address == "127.0.0.1:7233"
    assert settings.namespace == "default"
    assert settings.task_queue == "placet"
    assert settings.ledger_url == "sqlite+aiosqlite:///.placet/ledger.db"
    assert settings.shutdown_grace == timedelta(minutes=5)
    assert settings.config is None
    assert settings.api_key is None


def test_the_ledger_lies_in_the_data_folder_unless_it_is_named() -> None:
    assert Settings.from_environment({"PLACET_DATA": "/srv/p", **NO_PROFILE}).ledger_url.endswith("////srv/p/ledger.db")
    named = {"PLACET_DATA": "/srv/p", "PLACET_LEDGER_URL": "postgresql://db/placet", **NO_PROFILE}
    assert Settings.from_environment(named).ledger_url == "postgresql://db/placet"


def test_an_empty_variable_counts_as_absent() -> None:
    empty = {"PLACET_CONFIG": "", "PLACET_TASK_QUEUE": "", "TEMPORAL_ADDRESS": "", "PLACET_TEMPORAL_UI_URL": ""}
    settings = Settings.from_environment(empty | NO_PROFILE)
    assert settings == Settings.from_environment(NO_PROFILE)


def test_temporal_is_named_as_for_every_temporal_client(tmp_path: Path) -> None:
    profile = tmp_path / "temporal.toml"
    profile.write_text('[profile.prod]\naddress = "cloud:7233"\nnamespace = "acme"\napi_key = "k"\n')
    environment = {"TEMPORAL_CONFIG_FILE": str(profile), "TEMPORAL_PROFILE": "prod"}
    assert Settings.from_environment(environment).temporal_address == "cloud:7233"
    overridden = Settings.from_environment(environment | {"TEMPORAL_NAMESPACE": "other"})
    assert (overridden.temporal_address, overridden.namespace) == ("cloud:7233", "other")


def test_a_profile_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    profile = tmp_path / "temporal.toml"
    profile.write_text("")
    with pytest.raises(SettingsError, match="TEMPORAL_PROFILE='nope'"):
        Settings.from_environment({"TEMPORAL_CONFIG_FILE": str(profile), "TEMPORAL_PROFILE": "nope"})


@pytest.mark.parametrize("text", ["soon", "8", "-1s", "never"])
def test_a_grace_that_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="PLACET_SHUTDOWN_GRACE"):
        Settings.from_environment({"PLACET_SHUTDOWN_GRACE": text, **NO_PROFILE})


def test_a_grace_is_a_timedelta() -> None:
    settings = Settings.from_environment({"PLACET_SHUTDOWN_GRACE": "8s", **NO_PROFILE})
    assert settings.shutdown_grace == timedelta(seconds=8)


def test_metrics_are_shown_where_an_address_says() -> None:
    given = {"PLACET_METRICS": "127.0.0.1:9464", "PLACET_TEMPORAL_METRICS": "[::1]:9465", **NO_PROFILE}
    settings = Settings.from_environment(given)
    assert settings.metrics == ("127.0.0.1", 9464)
    assert settings.temporal_metrics == ("::1", 9465)
    assert f"{settings.metrics} {settings.temporal_metrics}" == "127.0.0.1:9464 [::1]:9465"
    assert Settings.from_environment(NO_PROFILE).metrics is None


@pytest.mark.parametrize("text", ["9464", ":9464", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:0", "127.0.0.1:65536"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="PLACET_METRICS"):
        Settings.from_environment({"PLACET_METRICS": text, **NO_PROFILE})


def test_who_reads_the_gateways_metrics_is_one_of_three() -> None:
    assert Settings.from_environment(NO_PROFILE).gateway_metrics == "keyed"
    assert Settings.from_environment({"PLACET_GATEWAY_METRICS": "off", **NO_PROFILE}).gateway_metrics == "off"
    with pytest.raises(SettingsError, match="keyed, public, off"):
        Settings.from_environment({"PLACET_GATEWAY_METRICS": "yes", **NO_PROFILE})


@pytest.mark.parametrize("text", ["0", "99", "-5", "many"])
def test_a_rate_under_which_one_whole_list_would_never_pass_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="PLACET_DECISIONS_PER_MINUTE"):
        Settings.from_environment({"PLACET_DECISIONS_PER_MINUTE": text, **NO_PROFILE})


def test_addresses_lose_their_last_slash() -> None:
    given = {"PLACET_URL": "https://placet.acme/", "PLACET_TEMPORAL_UI_URL": "https://ui.acme/", **NO_PROFILE}
    settings = Settings.from_environment(given)
    assert (settings.url, settings.temporal_ui) == ("https://placet.acme", "https://ui.acme")


def test_settings_do_not_change_and_do_not_print_keys() -> None:
    settings = Settings.from_environment({"PLACET_API_KEY": "pk-secret", "TEMPORAL_API_KEY": "tk-secret", **NO_PROFILE})
    assert settings.api_key == "pk-secret"
    assert "secret" not in repr(settings)
    with pytest.raises(FrozenInstanceError):
        settings.task_queue = "other"  # pyright: ignore[reportAttributeAccessIssue]
