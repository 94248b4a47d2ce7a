// What the Node door costs: probe.mjs WORKSPACE CALLS. Says its loading and each fastest call in milliseconds.
import { createRequire } from 'node:module';

const start = performance.now();
const idse = createRequire(import.meta.url)('idse-core');
console.log(`load ${(performance.now() - start).toFixed(4)}`);

const [root, calls] = process.argv.slice(2);

async function measure(name, work) {
  let best = Infinity;
  for (let i = 0; i < +calls; i++) {
    const start = performance.now();
    const answer = work();
    // What answers at once is not awaited: that alone would let other work in between.
    if (answer instanceof Promise) await answer;
    best = Math.min(best, performance.now() - start);
  }
  console.log(`${name} ${best.toFixed(4)}`);
}

await measure('validate', () => idse.validateSync({ root }));
await measure('validate-promise', () => idse.validate({ root }));
await measure('version', () => idse.versionSync());
if (idse.validateSync({ root }).summary.artifacts !== 7) throw new Error('not the whole session');
