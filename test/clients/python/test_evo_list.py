"""Lists, pages, filters and orders."""

from datetime import timedelta

import pytest
from evo.common.exceptions import EvoAPIException
from evo.files.endpoints import FileV2Api


@pytest.fixture
def raw_list(files, workspace, admin):
    """The generated client below FileAPIClient, which takes every parameter of the list."""
    api = FileV2Api(admin)

    async def raw_list(**parameters):
        return await api.list_files(organisation_id=str(workspace.org_id), workspace_id=str(workspace.id), **parameters)

    return raw_list


async def test_empty_workspace(files):
    page = await files.list_files()
    assert (page.total, page.items(), page.is_last) == (0, [], True)
    assert await files.list_all_files() == []


async def test_pages(files, put):
    uploads = [await put(f"holes/{n:02}.csv") for n in range(25)]

    first = await files.list_files(limit=10)
    last = await files.list_files(limit=10, offset=20)
    past = await files.list_files(limit=10, offset=25)
    assert [(len(p), p.total, p.is_last) for p in (first, last, past)] == [
        (10, 25, False),
        (5, 25, True),
        (0, 25, True),
    ]
    listed = await files.list_all_files(limit_per_request=7)
    assert [f.id for f in listed] == [u.file_id for u in uploads]  # oldest first


async def test_links_lead_from_page_to_page(put, raw_list):
    for n in range(5):
        await put(f"{n}.csv")

    page = await raw_list(limit=2, offset=2, file_name="csv")
    assert (page.count, page.total, page.limit, page.offset) == (2, 5, 2, 2)
    assert "offset=4" in page.links.next and "file_name=csv" in page.links.next
    assert "offset=0" in page.links.prev
    assert (await raw_list(limit=2, offset=4)).links.next is None


async def test_filter_by_name(files, put):
    await put("assays/allGOLDcolumns.csv")
    await put("gold/collar.csv")
    await put("100%.csv")
    await put("under_score.csv")

    async def names(name):
        return [f.name for f in await files.list_all_files(name=name)]

    assert await names("gold") == ["allGOLDcolumns.csv"]  # the name, not the folder
    assert await names("COLLAR.CSV") == ["collar.csv"]
    assert await names("%") == ["100%.csv"]  # no wildcard
    assert await names("_") == ["under_score.csv"]
    assert await names("nothing") == []


async def test_order_and_dates(files, put, raw_list):
    for n in range(3):
        await put(f"{n}.csv")
    await put("0.csv", b"newer")
    zero, one, two = await files.list_all_files()

    async def names(**parameters):
        return [f.name for f in (await raw_list(**parameters)).files]

    assert await names(order_by="desc:created_at") == ["2.csv", "1.csv", "0.csv"]
    assert await names(order_by="desc:modified_at") == ["0.csv", "2.csv", "1.csv"]
    assert await names(created_at=[f"gt:{one.created_at.isoformat()}"]) == ["2.csv"]
    assert await names(created_at=[one.created_at.isoformat()]) == ["1.csv"]
    span = [f"gte:{zero.created_at.isoformat()}", f"lt:{two.created_at.isoformat()}"]
    assert await names(created_at=span) == ["0.csv", "1.csv"]
    tomorrow = zero.created_at + timedelta(days=1)
    assert await names(modified_at=[f"gte:{tomorrow.isoformat()}"]) == []


async def test_people(files, service_files, grant, server, workspaces, workspace, put, send, raw_list):
    await grant("editor")
    await put("mine.csv")
    await send(await service_files.prepare_upload_by_path("theirs.csv"), b"x")
    await service_files.delete_file_by_path("mine.csv")

    me = str((await workspaces.get_current_user_role(workspace.id)).user_id)
    them = server.service_user_id
    (theirs,) = await files.list_all_files()
    assert (str(theirs.created_by.id), str(theirs.modified_by.id)) == (them, them)
    assert [f.name for f in (await raw_list(author=them, modified_by=them)).files] == ["theirs.csv"]
    assert (await raw_list(author=me)).total == 0
    deleted = await raw_list(deleted=True, author=me, deleted_by=them)
    assert [(f.name, str(f.deleted_by.id)) for f in deleted.files] == [("mine.csv", them)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0},
        {"limit": "many"},
        {"offset": -1},
        {"order_by": "size"},
        {"author": "nobody"},
        {"created_at": ["yesterday"]},
        {"created_at": ["near:2026-01-01T00:00:00Z"]},
        {"created_at": ["2026-01-01T00:00:00Z", "lt:2026-01-02T00:00:00Z"]},
    ],
)
async def test_bad_parameters(raw_list, parameters):
    with pytest.raises(EvoAPIException) as refused:
        await raw_list(**parameters)
    assert refused.value.status == 422
    assert refused.value.type_.endswith("/file-api/validation")
    assert refused.value.title == "Validation Error."
