// @azure/storage-blob on signed URLs, over plain HTTP.
//
// CORESHED_JSON and CORESHED_SHORT_JSON are the lines that two ephemeral
// servers print; the second one's signed URLs live for two seconds.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { AnonymousCredential, BlockBlobClient } from "@azure/storage-blob";

const MiB = 1024 * 1024;
const server = JSON.parse(process.env.CORESHED_JSON);
const shortLived = JSON.parse(process.env.CORESHED_SHORT_JSON);

async function control(at, method, path) {
  const base = `${at.url}/file/v2/orgs/${at.org_id}/workspaces/${at.workspace_id}/files`;
  const answer = await fetch(`${base}/path/${path}`, {
    method,
    headers: { Authorization: `Bearer ${at.token}` },
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

const client = (url) => new BlockBlobClient(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });

/** A new path, with clients on its signed URLs. */
async function newBlob(at = server) {
  const path = `azure-js/${randomUUID()}/blob.bin`;
  const { upload } = await control(at, "PUT", path);
  const metadata = () => control(at, "GET", path);
  return {
    writer: client(upload),
    metadata,
    reader: async () => client((await metadata()).download),
  };
}

async function stored(content = randomBytes(100_000)) {
  const blob = await newBlob();
  await blob.writer.upload(content, content.length);
  return { ...blob, content };
}

const refused = (statusCode, code) => (error) => {
  assert.deepEqual([error.statusCode, error.code], [statusCode, code]);
  return true;
};
const blockId = (n) => Buffer.from(String(n).padStart(8, "0")).toString("base64");

test("a small blob", async () => {
  const blob = await newBlob();
  const answer = await blob.writer.uploadData(Buffer.from("depth,au\n"));

  const metadata = await blob.metadata();
  assert.deepEqual([metadata.size, metadata.etag], [9, answer.etag]);
  assert.equal((await (await blob.reader()).downloadToBuffer()).toString(), "depth,au\n");
});

test("blocks up, ranges down", async () => {
  const blob = await newBlob();
  const content = randomBytes(9 * MiB + 3);
  await blob.writer.uploadData(content, { blockSize: 2 * MiB, maxSingleShotSize: MiB, concurrency: 4 });

  const reader = await blob.reader();
  assert.ok((await reader.downloadToBuffer(0, undefined, { blockSize: MiB, concurrency: 4 })).equals(content));
  const { committedBlocks = [], uncommittedBlocks = [] } = await reader.getBlockList("all");
  assert.deepEqual(committedBlocks.map((b) => b.size), [...Array(4).fill(2 * MiB), MiB + 3]);
  assert.deepEqual(uncommittedBlocks, []);
});

test("an empty blob", async () => {
  const blob = await newBlob();
  await blob.writer.uploadData(Buffer.alloc(0));

  const reader = await blob.reader();
  assert.equal((await reader.getProperties()).contentLength, 0);
  assert.equal((await reader.downloadToBuffer()).length, 0);
});

test("an empty block list", async () => {
  const blob = await newBlob();
  await blob.writer.commitBlockList([]);
  assert.equal((await blob.metadata()).size, 0);
});

test("staged blocks in another order", async () => {
  const blob = await newBlob();
  for (const [n, text] of [[2, "second"], [1, "first-"], [3, "dropped"], [1, "FIRST-"]]) {
    await blob.writer.stageBlock(blockId(n), text, text.length);
  }
  await blob.writer.commitBlockList([blockId(1), blockId(2)]);

  assert.equal((await (await blob.reader()).downloadToBuffer()).toString(), "FIRST-second");
});

test("a missing block", async () => {
  const { writer } = await newBlob();
  await writer.stageBlock(blockId(1), "x", 1);
  await assert.rejects(writer.commitBlockList([blockId(1), blockId(2)]), refused(400, "InvalidBlockList"));
});

test("ranges", async () => {
  const { content, reader } = await stored();
  const blob = await reader();

  assert.ok((await blob.downloadToBuffer(1234, 5678)).equals(content.subarray(1234, 1234 + 5678)));
  const tail = await blob.download(99_990, 1000);
  assert.equal(tail.contentRange, "bytes 99990-99999/100000");
  assert.equal(tail.contentLength, 10);
  tail.readableStreamBody.resume();
  await assert.rejects(blob.download(100_000, 1), refused(416, "InvalidRange"));
});

test("properties", async () => {
  const blob = await stored();
  const found = await (await blob.reader()).getProperties();

  assert.equal(found.contentLength, 100_000);
  assert.equal(found.blobType, "BlockBlob");
  assert.equal(found.acceptRanges, "bytes");
  assert.equal(found.etag, (await blob.metadata()).etag);
  assert.ok(found.lastModified instanceof Date && found.createdOn instanceof Date);
  assert.equal(found.contentDisposition, "attachment; filename*=UTF-8''blob.bin");
});

test("conditions on reading", async () => {
  const blob = await (await stored()).reader();
  const { etag, lastModified } = await blob.getProperties();
  const earlier = new Date(lastModified.getTime() - 3_600_000);

  for (const conditions of [
    { ifMatch: etag },
    { ifNoneMatch: '"0x1"' },
    { ifModifiedSince: earlier },
    { ifUnmodifiedSince: lastModified },
  ]) {
    await blob.getProperties({ conditions });
    assert.equal((await blob.downloadToBuffer(0, 10, { conditions })).length, 10);
  }
  for (const [conditions, status] of [
    [{ ifMatch: '"0x1"' }, 412],
    [{ ifUnmodifiedSince: earlier }, 412],
    [{ ifNoneMatch: etag }, 304],
    [{ ifModifiedSince: lastModified }, 304],
  ]) {
    await assert.rejects(blob.getProperties({ conditions }), { statusCode: status });
    await assert.rejects(blob.download(0, 10, { conditions }), { statusCode: status });
  }
});

test("conditions on writing", async () => {
  const blob = await newBlob();
  const once = { conditions: { ifNoneMatch: "*" } };
  await blob.writer.upload("first", 5, once);

  await assert.rejects(blob.writer.upload("second", 6, once), refused(409, "BlobAlreadyExists"));
  assert.equal((await (await blob.reader()).downloadToBuffer()).toString(), "first");
});

test("a version never changes", async () => {
  const blob = await stored();
  const again = await blob.writer.upload(blob.content, blob.content.length);
  assert.equal(again.etag, (await blob.metadata()).etag);

  await assert.rejects(blob.writer.upload("other", 5), { statusCode: 409 });
  await assert.rejects(blob.writer.stageBlock(blockId(1), "x", 1), { statusCode: 409 });
  assert.ok((await (await blob.reader()).downloadToBuffer()).equals(blob.content));
});

test("wrong permission", async () => {
  const blob = await stored();
  const reader = await blob.reader();
  const mismatch = refused(403, "AuthorizationPermissionMismatch");

  await assert.rejects(blob.writer.download(), mismatch);
  await assert.rejects(blob.writer.getProperties(), { statusCode: 403 }); // HEAD has no body to name the error
  await assert.rejects(blob.writer.getBlockList("all"), mismatch);
  await assert.rejects(reader.upload("x", 1), mismatch);
  await assert.rejects(reader.stageBlock(blockId(1), "x", 1), mismatch);
  await assert.rejects(reader.delete(), mismatch);
});

test("tampering", async () => {
  const { download } = await (await stored()).metadata();
  for (const [pattern, replacement] of [
    [/(sig=).../, "$1AAA"],
    [/(se=)20\d\d/, "$12099"],
    [/(sp=)r/, "$1w"],
    [/blob\.bin/, "other.bin"],
    [/\/\d+\?/, "/1?"],
  ]) {
    const tampered = download.replace(pattern, replacement);
    assert.notEqual(tampered, download);
    await assert.rejects(client(tampered).download(), refused(403, "AuthenticationFailed"));
    await assert.rejects(client(tampered).getProperties(), { statusCode: 403 });
  }
});

test("expired", async () => {
  const blob = await newBlob(shortLived);
  await blob.writer.upload("x", 1);
  const [late, reader] = [(await newBlob(shortLived)).writer, await blob.reader()];
  await sleep(3000);

  await assert.rejects(reader.download(), refused(403, "AuthenticationFailed"));
  await assert.rejects(late.stageBlock(blockId(1), "x", 1), refused(403, "AuthenticationFailed"));
});
