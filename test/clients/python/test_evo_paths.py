"""Which paths name which file."""

import unicodedata

import pytest
from evo.common.exceptions import BadRequestException

AWKWARD = [
    "plain.csv",
    "two words.csv",
    "100%.csv",
    "a%20b.csv",
    "a#b.csv",
    "what?.csv",
    "a+b.csv",
    "a&b=c.csv",
    "semi;colon.csv",
    "back\\slash.csv",
    "\"double\" and 'single'.csv",
    "<angle>|pipe|*.csv",
    "C:colon.csv",
    "per~cent@at!$(x),[y]{z}^`.csv",
    "Großer Fluß/岩芯/Ærø.csv",
    "pick ⛏ and 🪨.tif",
    " leading and trailing ",
    "dots/.hidden/trailing.",
    "CON/aux.txt",
    "a/b/c/d/e/f/g/h/deep.csv",
    "summary",
    "path/files/x",
]


@pytest.mark.parametrize("path", AWKWARD)
async def test_awkward_paths(files, put, fetch, path):
    upload = await put(path, path.encode())

    (listed,) = await files.list_all_files()
    by_path = await files.get_file_by_path(path)
    by_id = await files.get_file_by_id(upload.file_id)
    for found in (listed, by_path, by_id):
        assert found.id == upload.file_id
        assert found.path == "/" + path
        assert found.name == path.rpartition("/")[2]
    assert await fetch(await files.prepare_download_by_path(path)) == path.encode()

    await files.delete_file_by_path(path)
    assert await files.list_all_files() == []


@pytest.mark.parametrize(
    "first, second",
    [
        ("a/b.csv", "/a/b.csv"),
        ("a/b.csv", "//a///b.csv"),
        ("a/b.csv", "A/B.CSV"),
        ("straße.csv", "STRASSE.csv"),
        (unicodedata.normalize("NFC", "Grön/é.csv"), unicodedata.normalize("NFD", "Grön/é.csv")),
    ],
)
async def test_two_spellings_of_one_file(files, put, fetch, first, second):
    created = await put(first, b"first")
    updated = await put(second, b"second")

    assert updated.file_id == created.file_id
    (listed,) = await files.list_all_files()
    assert listed.path == "/" + first  # the spelling of the first upload stays
    assert len(await files.list_versions_by_path(second)) == 2
    assert await fetch(await files.prepare_download_by_path(first)) == b"second"


async def test_different_names_are_different_files(files, put):
    paths = ["a b.csv", "a%20b.csv", "a+b.csv", "a_b.csv", "a/b.csv", "a\\b.csv"]
    uploads = [await put(path) for path in paths]

    assert len({upload.file_id for upload in uploads}) == len(paths)


# The limit counts characters, not bytes.
@pytest.mark.parametrize("name", ["n" * 251 + ".csv", "é" * 255, "岩" * 255])
async def test_longest_name(files, put, name):
    await put("folder/" + name)
    assert (await files.get_file_by_path("folder/" + name)).name == name


@pytest.mark.parametrize(
    "path", ["n" * 256, "folder/" + "é" * 256, "folder/", "null\0.csv", "new\nline.csv", "del\x7f.csv"]
)
async def test_refused_paths(files, path):
    with pytest.raises(BadRequestException) as refused:
        await files.prepare_upload_by_path(path)
    assert refused.value.type_.endswith("/file-api/files/invalid-path")
    assert refused.value.title == "Invalid Path."
    assert (await files.list_files()).total == 0


# The SDK's HTTP library resolves dot segments before it sends anything, so
# these arrive as requests for the collection, and must not be taken for ids.
@pytest.mark.parametrize("path", ["..", "../", "x/../.."])
async def test_dot_segments_never_delete(files, put, path):
    await put("kept.csv")

    with pytest.raises(Exception) as refused:
        await files.delete_file_by_path(path)
    assert refused.value.status in (400, 404, 405)
    assert (await files.list_files()).total == 1
