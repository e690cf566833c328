"""The control plane over plain HTTP: where Azure clients get their signed URLs."""

import uuid
from urllib.parse import quote

import requests


class Control:
    """Plain calls with a bearer token, to the address without TLS."""

    def __init__(self, server):
        self.files = f"{server.url}/file/v2/orgs/{server.org_id}/workspaces/{server.workspace_id}/files"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {server.token}"

    def upload(self, path):
        return self._json(self.session.put(f"{self.files}/path/{quote(path)}"))

    def file(self, path):
        return self._json(self.session.get(f"{self.files}/path/{quote(path)}"))

    @staticmethod
    def fresh_path(name="blob.bin"):
        """A path that no other test uses."""
        return f"azure/{uuid.uuid4()}/{name}"

    @staticmethod
    def _json(answer):
        answer.raise_for_status()
        return answer.json()
