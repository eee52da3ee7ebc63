// Writes dist/src/service_config.js from src/service_config.json, which `make gen` keeps equal in all clients. A module, since Node 20 warns
// about imports of JSON, and bundlers do not follow a file that is read at run time.
import { readFileSync, writeFileSync } from "node:fs";

const source = new URL("../src/service_config.json", import.meta.url);
const target = new URL("../dist/src/service_config.js", import.meta.url);
const config = JSON.parse(readFileSync(source, "utf8"));
writeFileSync(target, `export const serviceConfig = ${JSON.stringify(JSON.stringify(config))};\n`);
