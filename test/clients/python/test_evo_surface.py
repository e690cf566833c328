"""What this suite covers. A newer SDK with more methods fails here until they are tested."""

import asyncio
import os
import subprocess
import sys

from evo.files import FileAPIClient
from evo.files.io import FileAPIDownload, FileAPIUpload

TESTED = {
    FileAPIClient: {
        "delete_file_by_id",
        "delete_file_by_path",
        "get_file_by_id",
        "get_file_by_path",
        "get_service_health",
        "list_all_files",
        "list_files",
        "list_versions_by_id",
        "list_versions_by_path",
        "prepare_download_by_id",
        "prepare_download_by_path",
        "prepare_upload_by_id",
        "prepare_upload_by_path",
        "restore_file_by_id",
    },
    FileAPIUpload: {"get_upload_url", "upload_from_path"},
    FileAPIDownload: {"download_to_cache", "download_to_path", "get_download_url"},
}


def test_every_public_method_is_tested():
    for client, tested in TESTED.items():
        methods = {
            name
            for name in dir(client)
            if not name.startswith("_") and asyncio.iscoroutinefunction(getattr(client, name))
        }
        assert methods == tested, client


UNTRUSTING = """
import asyncio, sys
from evo.aio import AioTransport
from evo.common import APIConnector
from evo.common.utils import get_service_health

async def main(url, proxy):
    transport = AioTransport("untrusting", max_attempts=1, proxy=proxy)
    await get_service_health(APIConnector(url, transport), "file")

asyncio.run(main(*sys.argv[1:]))
"""


def test_the_certificate_is_checked(server):
    """With the system's roots alone the SDK refuses the door: SSL_CERT_FILE is what makes it pass."""
    command = [sys.executable, "-c", UNTRUSTING, server.tls_url, server.proxy]
    trusting = subprocess.run(command, capture_output=True, text=True, check=False)
    without = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    untrusting = subprocess.run(command, env=without, capture_output=True, text=True, check=False)

    assert trusting.returncode == 0, trusting.stderr
    assert untrusting.returncode != 0
    assert "CERTIFICATE_VERIFY_FAILED" in untrusting.stderr
