// An independent client of the hub: npm's @huggingface/hub downloads one repository into a cache.
// node witness.mjs FOLDER_OF_NODE_MODULES ENDPOINT REPOSITORY CACHE; prints the folder of the snapshot.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, hubUrl, repo, cacheDir] = process.argv.slice(2);
const found = createRequire(pathToFileURL(`${modules}/`)).resolve("@huggingface/hub");
const { scanCacheDir, snapshotDownload } = await import(pathToFileURL(found));
console.debug = () => {};
if (repo === "--scan") {
  const cache = await scanCacheDir(cacheDir);
  const repositories = cache.repos.map((one) => ({
    id: one.id.name,
    revisions: one.revisions.map((revision) => revision.commitOid),
  }));
  console.log(JSON.stringify({ repositories, warnings: cache.warnings.map(String) }));
} else {
  console.log(await snapshotDownload({ repo, hubUrl, cacheDir }));
}
