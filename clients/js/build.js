// Builds the module: `node build.js FOLDER` writes client.js and client.d.ts there; without a folder, where the gateway
// keeps what it serves.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import UglifyJS from "uglify-js";

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2] ?? join(here, "../../trio_gateway/public"));

// All modules as one. A leading underscore says that a property is nobody's business outside: its name is shortened.
const bundled = await build({
  absWorkingDir: here,
  entryPoints: ["src/client.ts"],
  bundle: true,
  write: false,
  format: "esm",
  target: "es2022",
  minify: true,
  mangleProps: /^_/,
});

// A second look by another minifier saves an eighth; after ten passes it finds nothing more.
const minified = UglifyJS.minify(bundled.outputFiles[0].text, { module: true, compress: { passes: 10 } });
if (minified.error) throw minified.error;

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "client.js"), `${minified.code}\n`);
copyFileSync(join(here, "src/api.d.ts"), join(folder, "client.d.ts"));
