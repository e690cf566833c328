"""openlineage-python records runs over files that the Evo SDK has uploaded."""

import uuid
from datetime import datetime, timezone

import pytest
import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    Dataset,
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    documentation_job,
    error_message_run,
    nominal_time_run,
    parent_run,
    schema_dataset,
    source_code_location_job,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

PRODUCER = "https://coreshed.example/tests"


def client(server, **options):
    auth = ApiKeyTokenProvider({"apiKey": server.token})
    return OpenLineageClient(transport=HttpTransport(HttpConfig(url=server.url, auth=auth, **options)))


@pytest.fixture
def lineage(server):
    return client(server)


@pytest.fixture
def namespace(server, workspace):
    """What data sets of the test's workspace are called."""
    return f"coreshed://{server.url.removeprefix('http://')}/{workspace.id}"


@pytest.fixture
def entry(server, workspace):
    """The catalogue's entry of an upload."""

    def entry(upload):
        return get(
            server,
            f"/coreshed/v1/workspaces/{workspace.id}/version",
            file_id=str(upload.file_id),
            version_id=upload.version_id,
        )

    return entry


def get(server, path, **params):
    answer = requests.get(server.url + path, params=params, headers={"Authorization": f"Bearer {server.token}"}, timeout=30)
    answer.raise_for_status()
    return answer.json()


def now():
    return datetime.now(timezone.utc).isoformat()


def event(state, run, job, inputs=(), outputs=()):
    return RunEvent(
        eventType=state, eventTime=now(), run=run, job=job, producer=PRODUCER, inputs=list(inputs), outputs=list(outputs)
    )


async def test_start_and_complete_make_an_edge(lineage, namespace, put, entry, server):
    raw = await put("Scenes/raw.tif", b"raw")
    run = Run(
        runId=str(uuid.uuid4()),
        facets={"nominalTime": nominal_time_run.NominalTimeRunFacet(nominalStartTime="2026-03-01T00:00:00+00:00")},
    )
    job = Job(
        namespace="imagery",
        name="orthorectify",
        facets={
            "documentation": documentation_job.DocumentationJobFacet(description="Lays a scene on the ground."),
            "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(type="git", url="https://x.example", tag="1.4.0"),
        },
    )
    lineage.emit(event(RunState.START, run, job, [InputDataset(namespace, "Scenes/raw.tif")]))
    ortho = await put("Ortho/raw.tif", b"ortho")
    done = event(RunState.COMPLETE, run, job, outputs=[OutputDataset(namespace, "Ortho/raw.tif")])
    lineage.emit(done)
    lineage.emit(done)  # a repeat

    source, product = entry(raw), entry(ortho)
    assert (source["type"], product["type"], product["published"]) == ("SOURCE", "PRODUCT", True)
    up = get(server, f"/coreshed/v1/versions/{product['id']}/lineage", direction="up")
    assert source["id"] in ids(up)
    down = get(server, f"/coreshed/v1/versions/{source['id']}/lineage", direction="down")
    assert product["id"] in ids(down)

    file = get(server, f"/v6/files/{product['id']}/")
    assert (file["job_type"]["name"], file["job_type"]["version"]) == ("imagery-orthorectify", "1.4.0")
    assert file["job_output"] == "Ortho/raw.tif"


def ids(lineage):
    return [v["id"] for v in lineage["versions"]]


async def test_version_facet_and_parent(lineage, namespace, put, entry, server):
    old = await put("Scenes/raw.tif", b"old")
    await put("Scenes/raw.tif", b"new")
    tile = await put("Tiles/1.tif", b"tile")
    job = Job(namespace="imagery", name="tile")
    run = Run(
        runId=str(uuid.uuid4()),
        facets={
            "parent": parent_run.ParentRunFacet(
                run=parent_run.Run(runId=str(uuid.uuid4())), job=parent_run.Job(namespace="imagery", name="nightly")
            )
        },
    )
    read = InputDataset(
        namespace,
        "Scenes/raw.tif",
        facets={
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=old.version_id),
            "schema": schema_dataset.SchemaDatasetFacet(fields=[schema_dataset.SchemaDatasetFacetFields(name="b1", type="uint8")]),
        },
    )
    lineage.emit(event(RunState.COMPLETE, run, job, [read], [OutputDataset(namespace, "Tiles/1.tif")]))
    lineage.emit(event(RunState.START, run, job))  # late

    product = entry(tile)
    up = get(server, f"/coreshed/v1/versions/{product['id']}/lineage", direction="up")
    assert entry(old)["id"] in ids(up)
    file = get(server, f"/v6/files/{product['id']}/")
    assert file["recipe_type"]["name"] == "imagery-nightly"
    assert file["recipe_node"] == "tile"
    assert [run["status"] for run in up["runs"]] == ["COMPLETED"]


async def test_failed_run_publishes_nothing(server, namespace, put, entry):
    half = await put("Tiles/half.tif", b"ha")
    run = Run(
        runId=str(uuid.uuid4()),
        facets={"errorMessage": error_message_run.ErrorMessageRunFacet(message="no bands", programmingLanguage="PYTHON")},
    )
    job = Job(namespace="imagery", name="tile")
    wrote = OutputDataset(namespace, "Tiles/half.tif")
    packed = client(server, compression=HttpCompression.GZIP)
    packed.emit(event(RunState.START, run, job, outputs=[wrote]))
    packed.emit(event(RunState.FAIL, run, job, outputs=[wrote]))
    assert entry(half)["type"] == "SOURCE"


async def test_events_of_no_run(lineage, namespace):
    lineage.emit(JobEvent(eventTime=now(), producer=PRODUCER, job=Job(namespace="imagery", name="planned")))
    lineage.emit(DatasetEvent(eventTime=now(), producer=PRODUCER, dataset=Dataset(namespace="s3://elsewhere", name="scene.tif")))


async def test_refused(server, namespace):
    """What is wrong is said, and the client is told by its own exception."""
    strangers = OpenLineageClient(
        transport=HttpTransport(HttpConfig(url=server.url, auth=ApiKeyTokenProvider({"apiKey": "none"})))
    )
    with pytest.raises(requests.HTTPError, match="401"):
        strangers.emit(event(RunState.START, Run(runId=str(uuid.uuid4())), Job(namespace="imagery", name="tile")))
    answer = requests.post(
        f"{server.url}/api/v1/lineage",
        json={"eventTime": now(), "producer": PRODUCER},
        headers={"Authorization": f"Bearer {server.token}"},
        timeout=30,
    )
    assert answer.status_code == 422
    assert answer.json()["field"] == "job"
