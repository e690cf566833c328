"""Record a run with OpenLineage, and ask what came from what.

    coreshed serve --data DIR &
    eval "$(coreshed env --data DIR)"
    pip install openlineage-python==1.54.0 requests
    python examples/lineage.py
"""

import os
import uuid
from datetime import datetime, timezone

import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

SERVER = os.environ["ISSUER"]  # the server's plain address on this machine
ORG, WORKSPACE, TOKEN = os.environ["ORG_ID"], os.environ["WORKSPACE_ID"], os.environ["TOKEN"]

session = requests.Session()
session.headers["Authorization"] = f"Bearer {TOKEN}"


def upload(path, content):
    """Puts a file into the workspace by the Evo File API."""
    prepared = session.put(f"{SERVER}/file/v2/orgs/{ORG}/workspaces/{WORKSPACE}/files/path/{path}")
    prepared.raise_for_status()
    url = prepared.json()["upload"]
    requests.put(url, data=content, headers={"x-ms-blob-type": "BlockBlob"}, timeout=60).raise_for_status()


# A data set of the server is named by its address and the workspace. The file's
# path is its name.
NAMESPACE = f"coreshed://{SERVER.split('://')[1]}/{WORKSPACE}"
client = OpenLineageClient(
    transport=HttpTransport(HttpConfig(url=SERVER, auth=ApiKeyTokenProvider({"apiKey": TOKEN})))
)
run, job = Run(runId=str(uuid.uuid4())), Job(namespace="survey", name="grid")


def tell(state, inputs=(), outputs=()):
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(timezone.utc).isoformat(),
            run=run,
            job=job,
            inputs=[InputDataset(NAMESPACE, path) for path in inputs],
            outputs=[OutputDataset(NAMESPACE, path) for path in outputs],
            producer="https://example.org/grid",
        )
    )


upload("Survey/collars.csv", b"x,y,z\n1,2,3\n")
tell(RunState.START, inputs=["Survey/collars.csv"])
upload("Grids/collars.tif", b"a grid")  # what the run makes
tell(RunState.COMPLETE, outputs=["Grids/collars.tif"])

found = session.get(f"{SERVER}/coreshed/v1/workspaces/{WORKSPACE}/version", params={"path": "Grids/collars.tif"})
found.raise_for_status()
lineage = session.get(f"{SERVER}/coreshed/v1/versions/{found.json()['id']}/lineage")
lineage.raise_for_status()
for version in lineage.json()["versions"]:
    print(version["distance"], version["path"])
