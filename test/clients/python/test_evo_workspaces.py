"""From the discovery address to files, and the workspace client.

Lists are read as a viewer: before Python 3.11.4, which is what Debian 12 has,
the SDK cannot list workspaces that the caller owns, since Python could not copy
its Flag.
"""

import uuid

import pytest
from evo.common.exceptions import EvoAPIException, ForbiddenException, GoneException, NotFoundException
from evo.discovery import DiscoveryAPIClient
from evo.files import FileAPIClient
from evo.service_manager import ServiceManager
from evo.workspaces import WorkspaceRole


@pytest.mark.parametrize("services", [("evo",), ("evo", "file")])
async def test_discovery(server, admin, services):
    (organisation,) = await DiscoveryAPIClient(admin).list_organizations(services)
    (hub,) = organisation.hubs

    assert str(organisation.id) == server.org_id
    assert organisation.display_name and hub.code and hub.display_name
    assert hub.url.rstrip("/") == server.tls_url
    assert set(services) <= set(hub.services)


async def test_service_manager(server, transport, service_authorizer, grant, workspace):
    await grant("viewer")
    manager = ServiceManager(transport, service_authorizer, server.tls_url)
    async with transport:
        await manager.refresh_organizations()
        (organisation,) = manager.list_organizations()
        manager.set_current_organization(organisation.id)
        (hub,) = manager.list_hubs()
        manager.set_current_hub(hub.code)
        await manager.refresh_workspaces()
        assert workspace.id in {w.id for w in manager.list_workspaces()}
        manager.set_current_workspace(workspace.id)

        files = FileAPIClient(manager.get_environment(), manager.get_connector())
        assert (await files.list_files()).total == 0


async def test_the_default_workspace(server, workspaces):
    found = await workspaces.get_workspace(uuid.UUID(server.workspace_id))

    assert found.display_name.casefold() == server.workspace
    assert found.created_at.tzinfo and found.updated_at.tzinfo


async def test_create_and_update(server, workspaces, workspace):
    corners = [(174.7, -36.8), (174.8, -36.8), (174.8, -36.9), (174.7, -36.8)]
    assert workspace.user_role is WorkspaceRole.owner
    assert str(workspace.org_id) == server.org_id

    name = f"Ōpārara {uuid.uuid4()}"
    updated = await workspaces.update_workspace(
        workspace.id,
        name=name,
        description="Drilling, 2026",
        labels=["gold", "north"],
        default_coordinate_system="EPSG:2193",
        bounding_box_coordinates=corners,
    )
    found = await workspaces.get_workspace(workspace.id)
    for seen in (updated, found):
        assert seen.display_name == name
        assert seen.description == "Drilling, 2026"
        assert seen.labels == ["gold", "north"]
        assert seen.default_coordinate_system == "EPSG:2193"
        assert [(c.longitude, c.latitude) for c in seen.bounding_box.coordinates[0]] == corners
        assert seen.updated_at > workspace.updated_at
        assert seen.created_at == workspace.created_at

    kept = await workspaces.update_workspace(workspace.id, description="")
    assert (kept.display_name, kept.labels, kept.description) == (name, ["gold", "north"], "")


async def test_lists(server, workspaces, service_workspaces):
    them = uuid.UUID(server.service_user_id)
    stem = uuid.uuid4().hex
    created = [await workspaces.create_workspace(name=f"{stem} {n}") for n in range(5)]
    for one in created:
        await workspaces.assign_user_role(one.id, them, WorkspaceRole.viewer)

    page = await service_workspaces.list_workspaces(limit=2, offset=1, order_by={"name": "desc"}, name=stem)
    assert (page.total, [w.display_name[-1] for w in page.items()]) == (5, ["3", "2"])
    every = await service_workspaces.list_all_workspaces(limit=2, name=stem)
    assert [w.id for w in every] == [w.id for w in created]
    summary = await workspaces.list_workspaces_summary(name=stem, order_by={"name": "asc"})
    assert [w.id for w in summary.items()] == [w.id for w in created]
    none = await workspaces.list_workspaces(name=uuid.uuid4().hex)
    assert (none.total, none.items()) == (0, [])

    for one in created:
        await workspaces.delete_workspace(one.id)
    assert (await workspaces.list_workspaces(name=stem)).total == 0
    assert (await workspaces.list_workspaces(name=stem, deleted=True)).total == 5


async def test_delete_and_restore(workspaces, admin, transport, tmp_path):
    created = await workspaces.create_workspace(name=f"Short {uuid.uuid4()}")
    files = FileAPIClient(created.get_environment(), admin)
    sample = tmp_path / "a.csv"
    sample.write_bytes(b"x")
    await (await files.prepare_upload_by_path("a.csv")).upload_from_path(sample, transport)

    await workspaces.delete_workspace(created.id)
    with pytest.raises((GoneException, NotFoundException)):
        await workspaces.get_workspace(created.id)
    with pytest.raises(NotFoundException):
        await files.list_files()
    assert (await workspaces.get_workspace(created.id, deleted=True)).display_name == created.display_name

    await workspaces.restore_deleted_workspace(created.id)
    assert [f.name for f in await files.list_all_files()] == ["a.csv"]
    await workspaces.delete_workspace(created.id)


async def test_names_are_unique_among_the_living(workspaces):
    name = f"Twice {uuid.uuid4()}"
    first = await workspaces.create_workspace(name=name)
    with pytest.raises(EvoAPIException) as refused:
        await workspaces.create_workspace(name=name)
    assert 400 <= refused.value.status < 500

    await workspaces.delete_workspace(first.id)
    second = await workspaces.create_workspace(name=name)
    assert second.id != first.id
    await workspaces.delete_workspace(second.id)


async def test_roles(server, workspaces, service_workspaces, workspace):
    them = uuid.UUID(server.service_user_id)

    for role in (WorkspaceRole.viewer, WorkspaceRole.editor, WorkspaceRole.owner, WorkspaceRole.viewer):
        granted = await workspaces.assign_user_role(workspace.id, them, role)
        assert (granted.user_id, granted.role) == (them, role)
        mine = await service_workspaces.get_current_user_role(workspace.id)
        assert (mine.user_id, mine.role) == (them, role)
        (listed,) = await workspaces.list_user_roles(workspace.id, filter_user_id=them)
        assert listed.role is role

    assert workspace.id in {w.id for w in await service_workspaces.list_all_workspaces()}
    assert {u.user_id for u in await workspaces.list_user_roles(workspace.id)} > {them}
    await workspaces.delete_user_role(workspace.id, them)
    assert await workspaces.list_user_roles(workspace.id, filter_user_id=them) == []
    assert workspace.id not in {w.id for w in await service_workspaces.list_all_workspaces()}


async def test_only_owners_manage(server, workspaces, service_workspaces, workspace, grant):
    them = uuid.UUID(server.service_user_id)
    await grant("editor")

    for call in (
        service_workspaces.assign_user_role(workspace.id, them, WorkspaceRole.owner),
        service_workspaces.update_workspace(workspace.id, description="mine now"),
        service_workspaces.delete_workspace(workspace.id),
    ):
        with pytest.raises(ForbiddenException):
            await call
    assert (await workspaces.get_workspace(workspace.id)).description == workspace.description
