"""Versions, deletion and restoration."""

import uuid

import pytest
from evo.common.exceptions import GoneException, NotFoundException
from evo.common.io.exceptions import ChunkedIOException


async def test_versions_newest_first(files, put, fetch):
    uploads = [await put("A/model.omf", f"version {n}".encode()) for n in range(4)]

    newest_first = [u.version_id for u in reversed(uploads)]
    by_path = await files.list_versions_by_path("A/model.omf")
    by_id = await files.list_versions_by_id(uploads[0].file_id)
    assert [v.version_id for v in by_path] == [v.version_id for v in by_id] == newest_first
    assert len({v.created_at for v in by_path}) == 4
    assert all(v.created_by.id for v in by_path)


async def test_an_old_version(files, put, fetch):
    old = await put("A/model.omf", b"old")
    await put("A/model.omf", b"newer")

    for found in (
        await files.get_file_by_path("A/model.omf", version_id=old.version_id),
        await files.get_file_by_id(old.file_id, version_id=old.version_id),
    ):
        assert (found.version_id, found.size, found.path) == (old.version_id, 3, "/A/model.omf")
    for download in (
        await files.prepare_download_by_path("A/model.omf", version_id=old.version_id),
        await files.prepare_download_by_id(old.file_id, version_id=old.version_id),
    ):
        assert await fetch(download) == b"old"
    with pytest.raises(NotFoundException):
        await files.get_file_by_path("A/model.omf", version_id="1")


async def test_delete_by_path(files, put, fetch):
    upload = await put("A/model.omf", b"kept")
    before = await files.get_file_by_path("A/model.omf")
    await files.delete_file_by_path("A/model.omf")

    with pytest.raises(NotFoundException) as absent:
        await files.get_file_by_path("A/model.omf")
    assert absent.value.type_.endswith("/file-api/files/not-found")
    with pytest.raises(GoneException) as gone:
        await files.get_file_by_id(upload.file_id)
    assert gone.value.type_.endswith("/file-api/files/gone")
    assert gone.value.title == "The file has been deleted"
    with pytest.raises(NotFoundException):
        await files.delete_file_by_path("A/model.omf")

    assert (await files.list_files()).total == 0
    (listed,) = await files.list_all_files(deleted=True)
    assert (listed.id, listed.path) == (upload.file_id, "/A/model.omf")
    assert listed.modified_at == before.modified_at
    assert (await files.get_file_by_id(upload.file_id, deleted=True)).path == "/A/model.omf"
    assert len(await files.list_versions_by_id(upload.file_id, deleted=True)) == 1
    assert await fetch(await files.prepare_download_by_id(upload.file_id, deleted=True)) == b"kept"


async def test_delete_by_id_can_be_repeated(files, put):
    upload = await put("model.omf")
    await files.delete_file_by_id(upload.file_id)
    await files.delete_file_by_id(upload.file_id)

    assert (await files.list_files(deleted=True)).total == 1


async def test_delete_of_an_unknown_file(files):
    with pytest.raises(NotFoundException):
        await files.delete_file_by_id(uuid.uuid4())
    with pytest.raises(NotFoundException):
        await files.delete_file_by_path("never.csv")


async def test_delete_cancels_an_upload(files, send):
    upload = await files.prepare_upload_by_path("half.bin")
    await files.delete_file_by_id(upload.file_id)

    with pytest.raises(ChunkedIOException):
        await send(upload, b"too late")
    assert (await files.list_files()).total == (await files.list_files(deleted=True)).total == 0


async def test_no_upload_into_a_deleted_file(files, put, send):
    upload = await put("model.omf", b"one")
    under_way = await files.prepare_upload_by_id(upload.file_id)
    await files.delete_file_by_id(upload.file_id)

    with pytest.raises(GoneException):
        await files.prepare_upload_by_id(upload.file_id)
    with pytest.raises(ChunkedIOException):
        await send(under_way, b"too late")
    assert len(await files.list_versions_by_id(upload.file_id, deleted=True)) == 1


async def test_restore(files, put, fetch):
    upload = await put("A/model.omf", b"one")
    await put("A/model.omf", b"two")
    await files.delete_file_by_id(upload.file_id)

    assert await files.restore_file_by_id(upload.file_id) is None
    assert len(await files.list_versions_by_path("A/model.omf")) == 2
    assert await fetch(await files.prepare_download_by_path("A/model.omf")) == b"two"
    assert (await files.list_files(deleted=True)).total == 0
    assert await files.restore_file_by_id(upload.file_id) is None  # live already


async def test_restore_under_another_name(files, put, fetch):
    deleted = []
    for n in range(2):
        deleted.append(await put("A/points.tar.gz", f"deleted {n}".encode()))
        await files.delete_file_by_path("A/points.tar.gz")
    current = await put("a/POINTS.tar.gz", b"current")
    assert len({current.file_id, *(d.file_id for d in deleted)}) == 3

    restored = [await files.restore_file_by_id(upload.file_id) for upload in deleted]
    assert [(r.id, r.path) for r in restored] == [
        (deleted[0].file_id, "/A/points.tar (1).gz"),
        (deleted[1].file_id, "/A/points.tar (2).gz"),
    ]
    assert await fetch(await files.prepare_download_by_path("A/points.tar (2).gz")) == b"deleted 1"
    assert await fetch(await files.prepare_download_by_path("A/points.tar.gz")) == b"current"


async def test_restore_of_an_unknown_file(files):
    with pytest.raises(NotFoundException):
        await files.restore_file_by_id(uuid.uuid4())


async def test_a_download_url_dies_with_its_file(files, put, fetch):
    await put("model.omf")
    download = await files.prepare_download_by_path("model.omf")
    await files.delete_file_by_path("model.omf")

    with pytest.raises(ChunkedIOException):
        await fetch(download)
