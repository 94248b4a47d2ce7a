// Bundles the extension with the addon's JavaScript and puts the native part and the schemas beside it.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const addon = `${here}../../bindings/node/`;
const common = { bundle: true, platform: 'node', target: 'node20', alias: { 'idse-core': `${addon}index.js` }, logLevel: 'warning' };

for (const folder of ['dist', 'native', 'schemas']) fs.rmSync(here + folder, { recursive: true, force: true });
await build({ ...common, entryPoints: [`${here}src/extension.ts`], outfile: `${here}dist/extension.js`, format: 'cjs', external: ['vscode'], sourcemap: true });
// What the unit tests import: the parts that know nothing of the editor.
const pure = ['place', 'findings', 'words', 'unified'].map((name) => `${here}src/${name}.ts`);
await build({ ...common, bundle: false, alias: {}, entryPoints: pure, outdir: `${here}dist/pure`, format: 'esm', outExtension: { '.js': '.mjs' } });
// `lib/native.js` looks for the native part in the folder beside its own.
const natives = fs.existsSync(`${addon}native`) ? fs.readdirSync(`${addon}native`).filter((name) => name.endsWith('.node')) : [];
if (natives.length === 0) throw new Error('build the addon first: bindings/node/build');
fs.cpSync(`${addon}native`, `${here}native`, { recursive: true });
fs.cpSync(`${here}../../idse-core/schemas`, `${here}schemas`, { recursive: true });
fs.copyFileSync(`${here}../../LICENSE`, `${here}LICENSE`);
