// Runs the unit tests on the oldest versions of the dependencies that package.json allows, in a copy that is removed afterwards.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("..", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "graphwire-oldest-"));
try {
  for (const name of ["src", "test", "scripts", "tsconfig.json", ".npmrc"]) {
    cpSync(join(source, name), join(copy, name), { recursive: true });
  }
  const description = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  description.dependencies = Object.fromEntries(Object.entries(description.dependencies).map(([name, range]) => [name, range.replace("^", "")]));
  delete description.devDependencies["@bufbuild/protoc-gen-es"];
  writeFileSync(join(copy, "package.json"), JSON.stringify(description));
  console.log("the oldest:", description.dependencies);
  run("npm", ["install", "--no-package-lock", "--silent"]);
  run("npm", ["test"]);
} finally {
  rmSync(copy, { recursive: true });
}

function run(command, words) {
  const { status, error } = spawnSync(command, words, { cwd: copy, stdio: "inherit" });
  if (error || status !== 0) {
    process.exitCode = 1;
    throw error ?? new Error(`${command} ${words.join(" ")} failed`);
  }
}
