"""Who may do what, and the errors that the SDK makes of a refusal."""

import uuid

import pytest
from evo.common import APIConnector, Environment, HealthCheckType, NoAuth, ServiceStatus
from evo.common.exceptions import EvoAPIException, ForbiddenException, NotFoundException, UnauthorizedException
from evo.common.utils import get_service_health, get_service_status
from evo.files import FileAPIClient
from evo.oauth import AccessTokenAuthorizer, ClientCredentialsAuthorizer, OAuthConnector, OAuthError


def assert_insufficient(refused, role):
    error = refused.value
    assert error.type_.endswith("/file-api/auth/insufficient-role")
    assert error.title == "Insufficient Role."
    assert error.content["permitted_roles"] == ["editor", "owner"]
    assert error.content["your_role"] == role


async def test_viewer(files, service_files, grant, put, fetch):
    await grant("viewer")
    upload = await put("seen.csv", b"x")
    gone = await put("gone.csv")
    await files.delete_file_by_id(gone.file_id)

    assert [f.name for f in await service_files.list_all_files()] == ["seen.csv"]
    assert await fetch(await service_files.prepare_download_by_id(upload.file_id)) == b"x"
    assert len(await service_files.list_versions_by_path("seen.csv")) == 1
    for refused_call in (
        service_files.prepare_upload_by_path("new.csv"),
        service_files.prepare_upload_by_id(upload.file_id),
        service_files.delete_file_by_path("seen.csv"),
        service_files.delete_file_by_id(upload.file_id),
        service_files.restore_file_by_id(gone.file_id),
    ):
        with pytest.raises(ForbiddenException) as refused:
            await refused_call
        assert_insufficient(refused, "viewer")
    assert (await files.list_files()).total == 1


async def test_editor(service_files, grant, send, fetch):
    await grant("editor")
    upload = await send(await service_files.prepare_upload_by_path("mine.csv"), b"x")
    await service_files.delete_file_by_id(upload.file_id)
    await service_files.restore_file_by_id(upload.file_id)

    assert await fetch(await service_files.prepare_download_by_path("mine.csv")) == b"x"


async def test_a_revoked_role_ends_at_once(server, service_files, grant, workspaces, workspace):
    await grant("viewer")
    await service_files.list_files()
    await workspaces.delete_user_role(workspace.id, uuid.UUID(server.service_user_id))

    with pytest.raises((ForbiddenException, NotFoundException)):
        await service_files.list_files()


async def test_a_stranger_cannot_tell_what_exists(server, workspace, service, service_files):
    nowhere = Environment(hub_url=server.tls_url, org_id=workspace.org_id, workspace_id=uuid.uuid4())

    with pytest.raises(EvoAPIException) as forbidden:
        await service_files.list_files()
    with pytest.raises(EvoAPIException) as unknown:
        await FileAPIClient(nowhere, service).list_files()
    assert forbidden.value.status in (403, 404)
    assert forbidden.value.status == unknown.value.status
    assert forbidden.value.content == unknown.value.content


async def test_unknown_workspace_and_organisation(server, admin, workspace):
    for org, ws in ((workspace.org_id, uuid.uuid4()), (uuid.uuid4(), workspace.id)):
        elsewhere = FileAPIClient(Environment(hub_url=server.tls_url, org_id=org, workspace_id=ws), admin)
        with pytest.raises((NotFoundException, ForbiddenException)):
            await elsewhere.list_files()


@pytest.mark.parametrize(
    "authorizer, error",
    [
        (NoAuth, "missing-token"),
        (AccessTokenAuthorizer("nonsense"), "invalid-token"),
        (AccessTokenAuthorizer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."), "invalid-token"),
    ],
)
async def test_bad_tokens(server, transport, workspace, authorizer, error):
    hub = APIConnector(server.tls_url, transport, authorizer)

    with pytest.raises(UnauthorizedException) as refused:
        await FileAPIClient(workspace.get_environment(), hub).list_files()
    assert refused.value.type_ == f"https://seequent.com/error-codes/file-api/auth/{error}"
    assert refused.value.title == "Access Denied."


async def test_a_refused_token_is_fetched_again(server, transport, grant, workspace):
    await grant("viewer")
    oauth = OAuthConnector(transport, server.service_client_id, server.service_client_secret, base_uri=server.tls_url)
    authorizer = ClientCredentialsAuthorizer(oauth, scopes="evo.discovery evo.workspace evo.file")
    await authorizer.authorize()
    async with authorizer._mutex:
        stale = authorizer._get_token().model_copy(update={"access_token": "stale"})
        authorizer._update_token(stale)

    files = FileAPIClient(workspace.get_environment(), APIConnector(server.tls_url, transport, authorizer))
    assert (await files.list_files()).total == 0


async def test_wrong_client_secret(server, transport):
    oauth = OAuthConnector(transport, server.service_client_id, "wrong", base_uri=server.tls_url)

    with pytest.raises(OAuthError, match="invalid_client"):
        await ClientCredentialsAuthorizer(oauth).authorize()


async def test_malformed_ids(files, put):
    for call in (
        files.get_file_by_id("not-a-uuid"),
        files.delete_file_by_id("not-a-uuid"),
        files.prepare_upload_by_id("not-a-uuid"),
        files.get_file_by_id(uuid.uuid4(), version_id="latest"),
    ):
        with pytest.raises(EvoAPIException) as refused:
            await call
        assert refused.value.status == 422
        assert refused.value.type_.endswith("/file-api/validation")


async def test_unknown_file(files):
    for call in (files.get_file_by_id(uuid.uuid4()), files.get_file_by_path("never.csv")):
        with pytest.raises(NotFoundException) as refused:
            await call
        assert refused.value.type_.endswith("/file-api/files/not-found")
        assert refused.value.title == "File Not Found."


@pytest.mark.parametrize("check", list(HealthCheckType))
async def test_health(files, workspaces, admin, check):
    for client in (files, workspaces):
        health = await client.get_service_health(check)
        health.raise_for_status()
        assert health.status is ServiceStatus.HEALTHY
        assert health.version
    for service in ("file", "workspace"):
        assert await get_service_status(admin, service, check) is ServiceStatus.HEALTHY


async def test_health_needs_no_token(server, transport):
    anyone = APIConnector(server.tls_url, transport)
    (await get_service_health(anyone, "file")).raise_for_status()
