"""One running server, described by CORESHED_JSON, and the SDK connected to it.

CORESHED_JSON is the line that `coreshed serve --ephemeral` prints.
"""

import json
import os
import uuid
from types import SimpleNamespace

SERVER = SimpleNamespace(**json.loads(os.environ["CORESHED_JSON"]))

# aiohttp reads the trusted certificates once, when it is imported.
os.environ["SSL_CERT_FILE"] = SERVER.ca_file

import pytest
from evo.aio import AioTransport
from evo.common import APIConnector
from evo.files import FileAPIClient
from evo.oauth import AccessTokenAuthorizer, ClientCredentialsAuthorizer, EvoScopes, OAuthConnector
from evo.workspaces import WorkspaceAPIClient, WorkspaceRole


@pytest.fixture(scope="session")
def server():
    return SERVER


@pytest.fixture(scope="session")
async def transport(server):
    """The SDK's own transport, sent through the CONNECT door."""
    async with AioTransport("coreshed-client-tests", proxy=server.proxy) as transport:
        yield transport


@pytest.fixture(scope="session")
async def admin(server, transport):
    """The hub, as the administrator."""
    async with APIConnector(server.tls_url, transport, AccessTokenAuthorizer(server.token)) as hub:
        yield hub


@pytest.fixture(scope="session")
def service_authorizer(server, transport):
    """Signs the service account in with its client credentials."""
    oauth = OAuthConnector(
        transport,
        client_id=server.service_client_id,
        client_secret=server.service_client_secret,
        base_uri=server.tls_url,
    )
    return ClientCredentialsAuthorizer(oauth, scopes=EvoScopes.all_evo)


@pytest.fixture(scope="session")
async def service(server, transport, service_authorizer):
    """The hub, as the service account."""
    async with APIConnector(server.tls_url, transport, service_authorizer) as hub:
        yield hub


@pytest.fixture
def workspaces(server, admin):
    return WorkspaceAPIClient(admin, uuid.UUID(server.org_id))


@pytest.fixture
def service_workspaces(server, service):
    return WorkspaceAPIClient(service, uuid.UUID(server.org_id))


@pytest.fixture
async def workspace(workspaces):
    """A new workspace for one test."""
    created = await workspaces.create_workspace(name=f"Test {uuid.uuid4()}")
    yield created
    await workspaces.delete_workspace(created.id)


@pytest.fixture
def files(workspace, admin):
    """The administrator's file client in a new, empty workspace."""
    return FileAPIClient(workspace.get_environment(), admin)


@pytest.fixture
def service_files(workspace, service):
    """The service account's file client in the same workspace as `files`."""
    return FileAPIClient(workspace.get_environment(), service)


@pytest.fixture
def grant(server, workspaces, workspace):
    """Gives the service account a role, by name, in the test's workspace."""

    async def grant(role):
        await workspaces.assign_user_role(workspace.id, uuid.UUID(server.service_user_id), WorkspaceRole[role])

    return grant


@pytest.fixture
def send(tmp_path, transport):
    """Uploads bytes through a prepared upload, and returns it."""

    async def send(upload, content):
        source = tmp_path / uuid.uuid4().hex
        source.write_bytes(content)
        await upload.upload_from_path(source, transport)
        return upload

    return send


@pytest.fixture
def put(files, send):
    """Uploads bytes to a path as the administrator."""

    async def put(path, content=b"depth,au\n1.5,0.31\n"):
        return await send(await files.prepare_upload_by_path(path), content)

    return put


@pytest.fixture
def fetch(tmp_path, transport):
    """Returns the bytes of a prepared download."""

    async def fetch(download):
        target = tmp_path / uuid.uuid4().hex
        await download.download_to_path(target, transport)
        return target.read_bytes()

    return fetch
