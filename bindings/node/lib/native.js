'use strict';

const fs = require('node:fs');
const path = require('node:path');

/** The names that the native part can have here, the likelier one first. */
function names() {
  const name = `${process.platform}-${process.arch}`;
  const kinds = process.platform === 'linux' ? ['-gnu', '-musl'] : process.platform === 'win32' ? ['-msvc'] : [''];
  return kinds.map((kind) => `idse-core.${name}${kind}.node`);
}

/** Loads the native part: the file that IDSE_CORE_NATIVE names and no other, else the one that came with the package. */
function load() {
  const override = process.env.IDSE_CORE_NATIVE;
  const files = override ? [path.resolve(override)] : names().map((name) => path.join(__dirname, '..', 'native', name));
  const tried = [];
  for (const file of files) {
    if (!fs.existsSync(file)) {
      tried.push(`${file}: there is no such file`);
      continue;
    }
    try {
      // Whatever the file is called: a build of cargo is a .so, .dylib or .dll.
      const native = { exports: {} };
      process.dlopen(native, file);
      return native.exports;
    } catch (error) {
      tried.push(`${file}: ${error.message}`);
    }
  }
  const system = `${process.platform}-${process.arch}, Node ${process.versions.node}`;
  const error = new Error(
    `idse-core has no native part that runs on ${system}. It looked for\n` +
      tried.map((line) => `  ${line}`).join('\n') +
      '\n' +
      (override
        ? 'IDSE_CORE_NATIVE named this file; unset it to use the one of the package.'
        : 'Build it with `npm run build` in bindings/node, and name the file in IDSE_CORE_NATIVE if it lies elsewhere.'),
  );
  error.code = 'IDSE_NATIVE_MISSING';
  throw error;
}

module.exports = load();
