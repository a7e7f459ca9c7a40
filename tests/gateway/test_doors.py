"""Names, proxies and headers: what stands around the gateway on a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from placet.api import create_app
from placet.engine.settings import Settings
from placet_testing.gateway import Site, config_of, key_of, people, problem


def app_of(tmp_path: Path, **settings: Any) -> FastAPI:
    return create_app(Settings(data=tmp_path, **settings), config_of(people()))


def client_of(app: FastAPI, address: str = "192.0.2.1", base: str = "http://placet.example") -> AsyncClient:
    transport = ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url=base)


async def test_every_answer_tells_the_browser_to_keep_it_to_itself(site: Site) -> None:
    for path in ("/healthz", "/nowhere", "/v1/approvals", "/sign-in", "/inbox"):
        headers = (await site.client().get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["cache-control"] == "no-store", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "strict-transport-security" not in headers, path
        assert "access-control-allow-origin" not in headers, path


@pytest.mark.parametrize("host", ["evil.example", "placet.example.evil.example", "", "placet.example@evil.example"])
async def test_a_gateway_with_a_name_answers_to_no_other(tmp_path: Path, host: str) -> None:
    app = app_of(tmp_path, public_url="https://placet.example", allowed_hosts=("placet",))
    async with client_of(app) as client:
        problem(await client.get("/v1/me", headers={"Host": host}), 403, "not_allowed")
        assert (await client.get("/healthz", headers={"Host": host})).status_code == 200
        for ours in ("placet.example", "PLACET.example:8443", "placet", "127.0.0.1:7117"):
            problem(await client.get("/v1/me", headers={"Host": ours}), 401, "unauthenticated")


async def test_what_comes_under_the_public_name_came_over_https_whatever_the_proxy_says(tmp_path: Path) -> None:
    app = app_of(tmp_path, public_url="https://placet.example")
    async with client_of(app) as client:
        assert "strict-transport-security" in (await client.get("/healthz")).headers
    async with client_of(app, base="http://127.0.0.1:7117") as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers


async def test_a_proxy_is_believed_where_it_is_configured_and_nobody_else(tmp_path: Path) -> None:
    said = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
        "X-Forwarded-Host": "evil.example",
    }
    app = app_of(tmp_path, trusted_proxies=("10.0.0.0/8",), allowed_hosts=("placet.example",))
    async with client_of(app, "192.0.2.1") as stranger:
        answer = await stranger.get("/healthz", headers=said)
        assert "strict-transport-security" not in answer.headers
        problem(await stranger.get("/v1/me", headers=said), 401, "unauthenticated")
    async with client_of(app, "10.1.2.3") as proxy:
        assert "strict-transport-security" in (await proxy.get("/healthz", headers=said)).headers
        problem(await proxy.get("/v1/me", headers=said), 403, "not_allowed")


async def test_scripts_of_named_sites_only_may_read_and_never_by_cookie(tmp_path: Path) -> None:
    app = app_of(tmp_path, cors_origins=("https://console.example",))
    async with client_of(app) as client:
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        named = await client.options("/v1/runs", headers={"Origin": "https://console.example", **asks})
        assert named.headers["access-control-allow-origin"] == "https://console.example"
        assert "access-control-allow-credentials" not in named.headers
        for origin in ("https://console.example.evil.example", "http://console.example", "null"):
            other = await client.options("/v1/runs", headers={"Origin": origin, **asks})
            assert "access-control-allow-origin" not in other.headers
        key = {"Authorization": f"Bearer {key_of('dana')}"}
        plain = await client.get("/healthz", headers={"Origin": "https://evil.example", **key})
        assert "access-control-allow-origin" not in plain.headers
