"""azure-storage-blob on signed URLs, over plain HTTP."""

import base64
import json
import os
import random
import re
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, BlobClient, BlobType

from control import Control

MiB = 1024 * 1024


def noise(size):
    return random.Random(size).randbytes(size)


def blob_at(url, **options):
    return BlobClient.from_blob_url(url, retry_total=0, **options)


class Blob:
    """One path of the file store, and Azure clients on its signed URLs."""

    def __init__(self, control, name="blob.bin"):
        self.control, self.path = control, control.fresh_path(name)
        self.upload_url = control.upload(self.path)["upload"]

    def writer(self, **options):
        return blob_at(self.upload_url, **options)

    def metadata(self):
        return self.control.file(self.path)

    def reader(self, **options):
        return blob_at(self.metadata()["download"], **options)


@pytest.fixture(scope="module")
def control(server):
    return Control(server)


@pytest.fixture
def blob(control):
    return Blob(control)


@pytest.fixture
def stored(blob):
    """A blob of 100,000 bytes, and those bytes as `content`."""
    blob.content = noise(100_000)
    blob.writer().upload_blob(blob.content, overwrite=True)
    return blob


def error_code(raised):
    return raised.value.error_code


def test_small(control):
    blob = Blob(control, name="Größe 1+1.csv")
    answer = blob.writer().upload_blob(b"depth,au\n", overwrite=True)

    found = blob.metadata()
    assert (found["size"], found["etag"]) == (9, answer["etag"])
    download = blob.reader().download_blob()
    assert download.readall() == b"depth,au\n"
    assert download.properties.etag == answer["etag"]


@pytest.mark.parametrize("size", [5 * MiB, 5 * MiB + 3])
def test_blocks(blob, size):
    content = noise(size)
    writer = blob.writer(max_single_put_size=MiB, max_block_size=MiB)
    writer.upload_blob(content, overwrite=True, max_concurrency=4)

    reader = blob.reader(max_single_get_size=MiB, max_chunk_get_size=MiB)
    assert reader.download_blob(max_concurrency=4).readall() == content
    committed, uncommitted = reader.get_block_list("all")
    assert [block.size for block in committed] == [MiB] * 5 + [size % MiB] * (size % MiB > 0)
    assert uncommitted == []


def test_empty(blob):
    blob.writer().upload_blob(b"", overwrite=True)

    reader = blob.reader()
    assert reader.get_blob_properties().size == 0
    assert reader.download_blob().readall() == b""


def test_staged_blocks_in_another_order(blob):
    writer = blob.writer()
    for name, content in (("b", b"second"), ("a", b"first-"), ("c", b"dropped"), ("a", b"FIRST-")):
        writer.stage_block(name, content)
    writer.commit_block_list([BlobBlock("a"), BlobBlock("b")])

    reader = blob.reader()
    assert reader.download_blob().readall() == b"FIRST-second"
    committed, uncommitted = reader.get_block_list("all")
    assert [(b.id, b.size) for b in committed] == [("a", 6), ("b", 6)]
    assert uncommitted == []


def test_empty_block_list(blob):
    blob.writer().commit_block_list([])
    assert blob.reader().download_blob().readall() == b""


def test_a_missing_block(blob):
    writer = blob.writer()
    writer.stage_block("a", b"x")

    with pytest.raises(HttpResponseError) as refused:
        writer.commit_block_list([BlobBlock("a"), BlobBlock("b")])
    assert (refused.value.status_code, error_code(refused)) == (400, "InvalidBlockList")
    writer.commit_block_list([BlobBlock("a")])  # what was staged is still there


def test_checksums(blob):
    content = noise(3 * MiB)
    writer = blob.writer(max_single_put_size=MiB, max_block_size=MiB)
    writer.upload_blob(content, overwrite=True, validate_content=True)

    reader = blob.reader(max_single_get_size=MiB, max_chunk_get_size=MiB)
    assert reader.download_blob(validate_content=True).readall() == content


def test_a_wrong_checksum(blob):
    wrong = base64.b64encode(b"0" * 16).decode()

    with pytest.raises(HttpResponseError) as refused:
        blob.writer().stage_block("a", b"x", headers={"Content-MD5": wrong})
    assert (refused.value.status_code, error_code(refused)) == (400, "Md5Mismatch")
    with pytest.raises(HttpResponseError) as refused:
        blob.writer().commit_block_list([BlobBlock("a")])
    assert error_code(refused) == "InvalidBlockList"


def test_ranges(stored):
    reader, content = stored.reader(), stored.content

    def read(offset, length=None):
        return reader.download_blob(offset=offset, length=length).readall()

    assert read(0, 1) == content[:1]
    assert read(1234, 5678) == content[1234 : 1234 + 5678]
    assert read(99_999) == content[-1:]
    assert read(99_990, 1000) == content[-10:]
    assert read(0, 100_000) == content
    with pytest.raises(HttpResponseError) as refused:
        read(100_000, 1)
    assert (refused.value.status_code, error_code(refused)) == (416, "InvalidRange")


def test_properties(control, stored):
    found = stored.reader().get_blob_properties()

    assert found.size == 100_000
    assert found.blob_type == BlobType.BLOCKBLOB
    assert re.fullmatch(r'"0x[0-9A-Fa-f]+"', found.etag)
    assert found.etag == stored.metadata()["etag"]
    assert found.last_modified and found.creation_time
    assert found.content_settings.content_disposition == "attachment; filename*=UTF-8''blob.bin"
    assert stored.reader().exists()


def test_read_conditions(stored):
    reader = stored.reader()
    found = reader.get_blob_properties()
    earlier, later = (found.last_modified + timedelta(hours=h) for h in (-1, 1))

    def same(etag):
        return {"etag": etag, "match_condition": MatchConditions.IfNotModified}

    def other(etag):
        return {"etag": etag, "match_condition": MatchConditions.IfModified}

    for call in (reader.get_blob_properties, reader.download_blob):
        for met in (
            same(found.etag),
            other('"0x1"'),
            {"if_modified_since": earlier},
            {"if_unmodified_since": later},
            {"if_unmodified_since": found.last_modified},
        ):
            call(**met)
        for failed, status in (
            (same('"0x1"'), 412),
            ({"if_unmodified_since": earlier}, 412),
            (other(found.etag), 304),
            ({"if_modified_since": found.last_modified}, 304),
        ):
            with pytest.raises(HttpResponseError) as refused:
                call(**failed)
            assert (refused.value.status_code, error_code(refused)) == (status, "ConditionNotMet")


def test_create_only_once(blob):
    first = blob.writer().upload_blob(b"first", overwrite=False)  # If-None-Match: *

    with pytest.raises(ResourceExistsError) as refused:
        blob.writer().upload_blob(b"second", overwrite=False)
    assert (refused.value.status_code, error_code(refused)) == (409, "BlobAlreadyExists")
    assert blob.reader().download_blob().readall() == b"first"
    assert blob.metadata()["etag"] == first["etag"]


def test_a_version_never_changes(stored):
    """The same bytes again are a repeat of a request whose answer was lost; others are refused."""
    again = stored.writer().upload_blob(stored.content, overwrite=True)
    assert again["etag"] == stored.metadata()["etag"]

    for change in (
        lambda: stored.writer().upload_blob(b"other", overwrite=True),
        lambda: stored.writer().stage_block("a", b"x"),
        lambda: stored.writer().commit_block_list([]),
    ):
        with pytest.raises(ResourceExistsError) as refused:
            change()
        assert refused.value.status_code == 409
    assert stored.reader().download_blob().readall() == stored.content


def test_a_repeated_block_list(blob):
    writer = blob.writer()
    for name in "ab":
        writer.stage_block(name, name.encode())
    first = writer.commit_block_list([BlobBlock("a"), BlobBlock("b")])

    assert writer.commit_block_list([BlobBlock("a"), BlobBlock("b")])["etag"] == first["etag"]
    with pytest.raises(HttpResponseError):
        writer.commit_block_list([BlobBlock("b"), BlobBlock("a")])
    assert blob.reader().download_blob().readall() == b"ab"


def test_an_upload_url_does_not_read(stored):
    for call in (
        lambda: stored.writer().download_blob(),
        lambda: stored.writer().get_blob_properties(),
        lambda: stored.writer().get_block_list("all"),
    ):
        with pytest.raises(HttpResponseError) as refused:
            call()
        assert (refused.value.status_code, error_code(refused)) == (403, "AuthorizationPermissionMismatch")


def test_a_download_url_does_not_write(stored):
    for call in (
        lambda: stored.reader().upload_blob(b"x", overwrite=True),
        lambda: stored.reader().stage_block("a", b"x"),
        lambda: stored.reader().commit_block_list([]),
        lambda: stored.reader().delete_blob(),
    ):
        with pytest.raises(HttpResponseError) as refused:
            call()
        assert (refused.value.status_code, error_code(refused)) == (403, "AuthorizationPermissionMismatch")
    assert stored.reader().download_blob().readall() == stored.content


def test_other_operations_are_refused(stored):
    for call in (
        lambda: stored.writer().delete_blob(),
        lambda: stored.writer().set_blob_metadata({"a": "b"}),
        lambda: stored.writer().acquire_lease(),
        lambda: stored.writer().create_snapshot(),
    ):
        with pytest.raises(HttpResponseError) as refused:
            call()
        assert 400 <= refused.value.status_code < 500
    assert stored.reader().download_blob().readall() == stored.content


@pytest.mark.parametrize(
    "pattern, replacement",
    [
        (r"(sig=)...", r"\1AAA"),
        (r"(se=)20\d\d", r"\g<1>2099"),
        (r"(sp=)r", r"\1w"),
        (r"blob\.bin", "other.bin"),
        (r"sig=[^&]*", "sig="),
        (r"/\d+\?", "/1?"),
    ],
)
def test_tampering(stored, pattern, replacement):
    url = stored.metadata()["download"]
    tampered = re.sub(pattern, replacement, url, count=1)
    assert tampered != url

    for call in ("get_blob_properties", "download_blob"):
        with pytest.raises(HttpResponseError) as refused:
            getattr(blob_at(tampered), call)()
        assert (refused.value.status_code, error_code(refused)) == (403, "AuthenticationFailed")


def test_a_signature_is_good_for_one_blob_only(control, stored):
    path, query = stored.metadata()["download"].split("?")
    other = Blob(control)
    other.writer().upload_blob(b"secret", overwrite=True)
    other_path = other.metadata()["download"].split("?")[0]
    assert other_path != path

    with pytest.raises(HttpResponseError) as refused:
        blob_at(f"{other_path}?{query}").download_blob()
    assert error_code(refused) == "AuthenticationFailed"


def test_expired():
    """CORESHED_SHORT_JSON describes a server whose signed URLs live for two seconds."""
    control = Control(SimpleNamespace(**json.loads(os.environ["CORESHED_SHORT_JSON"])))
    blob = Blob(control)
    blob.writer().upload_blob(b"x", overwrite=True)
    late, reader = Blob(control).writer(), blob.reader()
    time.sleep(3)

    for call in (reader.download_blob, reader.get_blob_properties, lambda: late.stage_block("a", b"x")):
        with pytest.raises(HttpResponseError) as refused:
            call()
        assert (refused.value.status_code, error_code(refused)) == (403, "AuthenticationFailed")


def test_a_deleted_file(control, stored):
    reader = stored.reader()
    control.session.delete(f"{control.files}/{stored.metadata()['file_id']}").raise_for_status()

    with pytest.raises(ResourceNotFoundError) as refused:
        reader.download_blob()
    assert error_code(refused) == "BlobNotFound"
