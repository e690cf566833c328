"""Signing in through a browser: authorization code with PKCE, and refresh.

The SDK waits for the browser on http://localhost:3000, so that port must be free.
"""

import webbrowser

import pytest
import requests
from evo.common import APIConnector
from evo.discovery import DiscoveryAPIClient
from evo.oauth import AuthorizationCodeAuthorizer, EvoScopes, OAuthConnector, OAuthError

from browser import Person

REDIRECT = "http://localhost:3000/signin-callback"
SCOPES = EvoScopes.all_evo | EvoScopes.offline_access


def browse(person):
    """Makes a person's browser the one that opens pages."""
    webbrowser.register("person", None, person, preferred=True)
    return person


@pytest.fixture
def person(server):
    return browse(Person(server.user, server.password))


def authorizer_for(server, transport, base, scopes=SCOPES, redirect=REDIRECT):
    oauth = OAuthConnector(transport, client_id=server.client_id, base_uri=base)
    return AuthorizationCodeAuthorizer(oauth, redirect, scopes)


async def organisations(server, transport, authorizer):
    hub = APIConnector(server.tls_url, transport, authorizer)
    return [str(org.id) for org in await DiscoveryAPIClient(hub).list_organizations()]


async def token_of(authorizer):
    async with authorizer._unwrap_token() as token:
        return token


async def test_sign_in_at_the_plain_address(server, transport, person):
    authorizer = authorizer_for(server, transport, server.url)
    await authorizer.login(timeout_seconds=30)

    assert await organisations(server, transport, authorizer) == [server.org_id]
    token = await token_of(authorizer)
    assert token.token_type == "Bearer" and token.expires_in > 0 and token.refresh_token


async def test_sign_in_through_the_door(server, transport):
    browse(Person(server.user, server.password, proxies={"https": server.proxy}, verify=server.ca_file))
    authorizer = authorizer_for(server, transport, server.tls_url)
    await authorizer.login(timeout_seconds=30)

    assert await organisations(server, transport, authorizer) == [server.org_id]


async def test_another_loopback_port(server, transport, person, unused_tcp_port):
    redirect = f"http://localhost:{unused_tcp_port}/signin-callback"
    authorizer = authorizer_for(server, transport, server.url, redirect=redirect)
    await authorizer.login(timeout_seconds=30)

    assert await organisations(server, transport, authorizer) == [server.org_id]


async def test_refresh(server, transport, person):
    authorizer = authorizer_for(server, transport, server.url)
    await authorizer.login(timeout_seconds=30)
    first = await token_of(authorizer)

    for _ in range(2):  # each answer brings the next refresh token
        assert await authorizer.refresh_token()
    second = await token_of(authorizer)
    assert second.access_token != first.access_token
    assert second.refresh_token not in (None, first.refresh_token)
    assert await organisations(server, transport, authorizer) == [server.org_id]


async def test_a_refused_token_is_refreshed(server, transport, person):
    authorizer = authorizer_for(server, transport, server.url)
    await authorizer.login(timeout_seconds=30)
    async with authorizer._mutex:
        authorizer._update_token(authorizer._get_token().model_copy(update={"access_token": "stale"}))

    assert await organisations(server, transport, authorizer) == [server.org_id]
    assert (await token_of(authorizer)).access_token != "stale"


async def test_no_refresh_without_offline_access(server, transport, person):
    authorizer = authorizer_for(server, transport, server.url, scopes=EvoScopes.default)
    await authorizer.login(timeout_seconds=30)

    assert (await token_of(authorizer)).refresh_token is None
    assert not await authorizer.refresh_token()


async def test_wrong_password(server, transport):
    person = browse(Person(server.user, "wrong"))

    with pytest.raises(OAuthError, match="Timed out"):
        await authorizer_for(server, transport, server.url).login(timeout_seconds=3)
    assert 'name="password"' in person.last.text  # asked again, not sent back


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://elsewhere.example/signin-callback"},
        {"redirect_uri": "http://localhost:3000/other"},
        {"client_id": "nobody"},
    ],
)
def test_never_redirects_to_strangers(server, change):
    query = {
        "response_type": "code",
        "client_id": server.client_id,
        "redirect_uri": REDIRECT,
        "scope": str(SCOPES),
        "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    answer = requests.get(server.url + "/connect/authorize", params=query | change, allow_redirects=False)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
