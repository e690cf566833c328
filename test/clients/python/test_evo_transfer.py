"""Bytes up and down through the SDK, bit for bit."""

import asyncio
import base64
import hashlib
import random
from urllib.parse import urlsplit

import pytest
from evo.common import RequestMethod
from evo.common.exceptions import BadRequestException, NotFoundException
from evo.common.utils import Cache

MiB = 1024 * 1024


def noise(size, seed=0):
    return random.Random(f"{size}-{seed}").randbytes(size)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


# The SDK moves 4 MiB at a time: none, a part of one, two whole, and a remainder.
@pytest.mark.parametrize("size", [0, 1, 10 * 1024, 8 * MiB, 8 * MiB + 1, 100 * MiB])
async def test_round_trip(files, put, fetch, size):
    content = noise(size)
    upload = await put("survey.bin", content)

    found = await files.get_file_by_path("survey.bin")
    assert (found.id, found.version_id, found.size) == (upload.file_id, upload.version_id, size)
    for download in (
        await files.prepare_download_by_path("survey.bin"),
        await files.prepare_download_by_id(upload.file_id),
    ):
        assert sha256(await fetch(download)) == sha256(content)


async def test_upload_by_id_adds_a_version(files, put, send, fetch):
    first = await put("log.las", b"one")
    second = await send(await files.prepare_upload_by_id(first.file_id), b"two")

    assert second.file_id == first.file_id
    assert int(second.version_id) > int(first.version_id)
    assert await fetch(await files.prepare_download_by_path("log.las")) == b"two"


async def test_an_upload_is_invisible_until_committed(files):
    upload = await files.prepare_upload_by_path("half.bin")

    assert (await files.list_files()).total == 0
    with pytest.raises(NotFoundException):
        await files.get_file_by_path("half.bin")
    with pytest.raises(NotFoundException):
        await files.get_file_by_id(upload.file_id)


async def test_an_unfinished_version_hides_nothing(files, put, fetch):
    await put("log.las", b"one")
    await files.prepare_upload_by_path("log.las")

    assert await fetch(await files.prepare_download_by_path("log.las")) == b"one"
    assert len(await files.list_versions_by_path("log.las")) == 1


async def test_parallel_uploads_to_one_path(files, put, fetch):
    contents = [noise(300_000, seed) for seed in range(8)]
    uploads = await asyncio.gather(*(put("busy.bin", content) for content in contents))

    assert len({upload.file_id for upload in uploads}) == 1
    assert (await files.list_files()).total == 1
    versions = await files.list_versions_by_path("busy.bin")
    assert sorted(v.version_id for v in versions) == sorted(u.version_id for u in uploads)
    assert (await files.get_file_by_path("busy.bin")).version_id == versions[0].version_id
    for upload, content in zip(uploads, contents):
        download = await files.prepare_download_by_path("busy.bin", version_id=upload.version_id)
        assert await fetch(download) == content


async def test_parallel_uploads_to_many_paths(files, put, fetch):
    contents = {f"tiles/{n}.bin": noise(50_000, n) for n in range(20)}
    await asyncio.gather(*(put(path, content) for path, content in contents.items()))

    assert {f.path for f in await files.list_all_files()} == {f"/{path}" for path in contents}
    for path, content in contents.items():
        assert await fetch(await files.prepare_download_by_path(path)) == content


async def test_signed_urls_are_https_without_a_port(server, files, put):
    upload = await files.prepare_upload_by_path("a.csv")
    await put("b.csv")
    download = await files.prepare_download_by_path("b.csv")

    for url in (await upload.get_upload_url(), await download.get_download_url()):
        assert url.startswith(server.tls_url + "/")
        assert urlsplit(url).port is None


async def test_a_renewed_upload_url_keeps_staged_blocks(files, transport, fetch):
    block = base64.b64encode(b"0" * 32).decode()
    commit = f"<BlockList><Latest>{block}</Latest></BlockList>".encode()
    upload = await files.prepare_upload_by_path("slow.bin")

    async def data_plane(url, query, body):
        answer = await transport.request(
            RequestMethod.PUT, f"{url}&{query}", headers={"Content-Type": "text/plain"}, body=body
        )
        assert (answer.status, answer.data) == (201, b"")

    await data_plane(await upload.get_upload_url(), f"comp=block&blockid={block}", b"staged")
    await data_plane(await upload.get_upload_url(), "comp=blocklist", commit)

    assert await fetch(await files.prepare_download_by_id(upload.file_id)) == b"staged"


async def test_a_finished_upload_has_no_new_url(put):
    upload = await put("done.bin")

    with pytest.raises(BadRequestException) as refused:
        await upload.get_upload_url()
    assert refused.value.type_.endswith("/file-api/files/no-file-upload-in-progress")
    assert refused.value.title == "No file upload in progress"


async def test_a_renewed_download_url_works(files, put, fetch):
    await put("points.csv", b"x,y\n")
    download = await files.prepare_download_by_path("points.csv")
    await download.get_download_url()

    assert await fetch(download) == b"x,y\n"


async def test_download_to_cache(files, put, transport, tmp_path):
    content = noise(5 * MiB)
    upload = await put("A/points?.csv", content)
    cache = Cache(tmp_path / "cache", mkdir=True)
    download = await files.prepare_download_by_path("A/points?.csv")

    paths = await asyncio.gather(*(download.download_to_cache(cache, transport) for _ in range(5)))

    (path,) = set(paths)
    assert path.parts[-3:] == (str(upload.file_id), upload.version_id, "points%3F.csv")
    assert path.read_bytes() == content
