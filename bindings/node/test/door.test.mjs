// The door itself: promises, errors, cancellation, the event loop. What the engine answers is up to conformance.test.mjs.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as idse from 'idse-core';
import { ERRORS, scratch, workspace } from './helpers.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

test('both kinds of modules have every verb, and the table says which have a twin', () => {
  const door = require('idse-core');
  assert.deepEqual(Object.keys(idse).sort(), Object.keys(door).sort());
  assert.equal(door.IdseError, idse.IdseError);
  for (const { name, connecting } of idse.verbs) {
    assert.equal(typeof idse[name], 'function', name);
    assert.equal(typeof idse[`${name}Sync`], connecting ? 'undefined' : 'function', name);
  }
});

test('errors.tsv', () => {
  const table = new URL('../../../tests/conformance/errors.tsv', import.meta.url);
  const rows = fs.readFileSync(table, 'utf8').trim().split('\n').slice(1).map((line) => line.split('\t'));
  const kinds = rows.filter((row) => row[3] === '-');
  assert.deepEqual(ERRORS, kinds.map(([kind, code, temporary, , , , exit]) => [kind, +code, temporary === 'yes', +exit]));
});

test('a document is plain, frozen and the same both ways', async (t) => {
  const { at } = await workspace(t, idse);
  const report = await idse.validate({ root: at.root, env: at.env });
  assert.deepEqual(report, idse.validateSync({ root: at.root, env: at.env }));
  assert.equal(Object.getPrototypeOf(report), Object.prototype);
  assert.throws(() => (report.diagnostics[0].span.start.line = 7), TypeError);
  assert.deepEqual(structuredClone(report), report);
});

test('options have names in camel case, and a folder may be a URL', async (t) => {
  const { root, env } = await workspace(t, idse);
  const made = await idse.createSession({ root: pathToFileURL(root), env, session: 's2' });
  assert.equal(made.session, 's2');
  const dry = await idse.init({ root, env, project: 'other', dryRun: true });
  assert.deepEqual([dry.dry_run, fs.existsSync(path.join(root, '.idse/projects/other'))], [true, false]);
  await assert.rejects(idse.push({ root, env, dryrun: true }), (error) => {
    assert.ok(error instanceof idse.IdseError && error instanceof Error);
    assert.deepEqual([error.code, error.reason, error.details.argument], ['InvalidArgument', 'schema', 'dryrun']);
    assert.match(error.hint, /dry_run/);
    return true;
  });
});

test('an error says what, why and what to do, and goes through JSON', async (t) => {
  const { scratch: root, env } = scratch(t);
  const error = await idse.validate({ root, env }).catch((error) => error);
  assert.deepEqual([error.name, error.code, error.number, error.temporary, error.exit], ['IdseError', 'NotFound', 11, false, 6]);
  assert.match(error.hint, /idse init/);
  assert.deepEqual(JSON.parse(JSON.stringify(error)).kind, 'NotFound');
  assert.throws(() => idse.validateSync({ root, env }), { code: 'NotFound' });
});

test('what is no option is refused', async () => {
  for (const [options, argument] of [
    [{ timeoutMs: -1 }, 'timeoutMs'], [{ timeoutMs: NaN }, 'timeoutMs'], [{ timeoutMs: '5' }, 'timeoutMs'],
    [{ onProgress: 3 }, 'onProgress'], [{ signal: {} }, 'signal'], [{ nonsense: 1 }, 'nonsense'],
  ]) {
    const error = await idse.version(options).catch((error) => error);
    assert.deepEqual([error.code, error.details?.argument], ['InvalidArgument', argument], JSON.stringify(options));
  }
  await assert.rejects(idse.version(7), { code: 'InvalidArgument' });
  await assert.rejects(idse.version({ rule: 1n }), TypeError);
  await assert.rejects(idse.call('toString'), { code: 'InvalidArgument', reason: 'schema' });
  assert.throws(() => idse.versionSync({ signal: new AbortController().signal }), { code: 'InvalidArgument' });
});

test('what would hold up the event loop has no twin', async (t) => {
  const { at } = await workspace(t, idse);
  for (const [verb, more] of [['status', { remoteCheck: true }], ['diff', { against: 'remote' }], ['push', {}], ['doctor', { remoteCheck: true }]]) {
    assert.throws(() => idse.callSync(verb, { ...at, ...more }), { code: 'InvalidArgument', reason: 'usage' }, verb);
  }
  await idse.push(at);
  assert.equal(idse.diffSync({ ...at, against: 'base' }).side, 'base');
});

test('places are given in UTF-16 too', async (t) => {
  const { root, env } = await workspace(t, idse);
  const text = '\ufeff# Intent\r\n\r\n## \u{1f600} Goal\r\n\r\n\u{1f600}é [REQUIRES INPUT]\r\n';
  const place = { root, env, project: 'portal', session: 's1', stage: 'intent' };
  const found = (report) => report.diagnostics.find((d) => d.code === 'IDSE101').span;
  const { start, end } = found(await idse.validateText({ ...place, text }));
  assert.deepEqual([start.line, start.column, start.utf16], [5, 4, { line: 4, character: 4 }]);
  assert.deepEqual(end.utf16, { line: 4, character: 20 });
  await idse.write({ ...place, text });
  await idse.setStage({ ...place, status: 'in_progress' });
  const { stage, ...session } = place;
  assert.deepEqual(found(await idse.validate({ ...session, stages: [stage], utf16: true })), { start, end });
  assert.equal('utf16' in found(await idse.validate({ ...session, stages: [stage] })).start, false);
  assert.equal('diagnostics' in idse.versionSync({ utf16: true }), false);
});

/** Makes a workspace with something to push, while another program holds the agency's file. */
async function held(t) {
  const made = await workspace(t, idse);
  await idse.push(made.at);
  await idse.write({ root: made.root, env: made.env, stage: 'intent', text: '# Intent\n\nmine\n' });
  return { ...made, release: await hold(t, path.join(made.folder, 'agency.db')) };
}

async function hold(t, file) {
  const script = 'import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1],isolation_level=None)\ndb.execute("BEGIN EXCLUSIVE")\nprint("held",flush=True)\nsys.stdin.read()';
  const holder = spawn('python3', ['-c', script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => holder.on('exit', resolve));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const release = async () => (holder.stdin.end(), await gone);
  t.after(release);
  return release;
}

test('timers fire while a push waits, and an abort ends it within 100 ms and leaves all whole', async (t) => {
  const { at, release } = await held(t);
  const abort = new AbortController();
  const steps = [];
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const push = idse.push({ ...at, signal: abort.signal, onProgress: (step) => steps.push(step) }).catch((error) => error);
  await wait(400);
  clearInterval(timer);
  assert.ok(ticks > 20, `${ticks} ticks`);
  const asked = performance.now();
  abort.abort(new Error('enough'));
  const error = await push;
  const took = performance.now() - asked;
  assert.ok(took < 100, `${took} ms`);
  assert.deepEqual([error.name, error.code, error.cause?.message], ['AbortError', 'Cancelled', 'enough']);
  assert.ok(steps.length > 0 && steps.every((step) => step.kind === 'progress'));

  await release();
  const status = await idse.status(at);
  assert.deepEqual([status.unsettled, status.stages[0].push], [false, true]);
  assert.equal((await idse.push(at)).outcome, 'done');
});

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:';
const HALF = `${HEAD} 1000\r\n\r\n[{"id":`;

/** Starts a server of Supabase's protocol that says these texts to a request, and returns the place of its calls. */
async function server(t, made, toReaders, toWriters) {
  const sockets = new Set();
  const listening = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.on('data', (request) => socket.write(request.toString('latin1').startsWith('GET') ? toReaders : toWriters));
  });
  await new Promise((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.after(() => (sockets.forEach((socket) => socket.destroy()), listening.close()));
  const SUPABASE_URL = `http://127.0.0.1:${listening.address().port}`;
  const env = { ...made.env, SUPABASE_URL, SUPABASE_ANON_KEY: 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln' };
  return { at: { root: made.root, env, remote: 'supabase' }, sockets };
}

/** Pushes, aborts it, and returns its error; meanwhile timers fire, and it is over within 100 ms. */
async function aborted(at, sockets) {
  const abort = new AbortController();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const push = idse.push({ ...at, signal: abort.signal }).catch((error) => error);
  await wait(400);
  clearInterval(timer);
  assert.deepEqual([sockets.size > 0, ticks > 20], [true, true], `${sockets.size} connections, ${ticks} ticks`);
  const asked = performance.now();
  abort.abort();
  const error = await push;
  assert.ok(performance.now() - asked < 100, `${performance.now() - asked} ms`);
  return error;
}

for (const [how, answer] of [['never answers', ''], ['says half of its answer', HALF]]) {
  test(`a server that ${how} holds up nobody, and an abort ends the wait within 100 ms`, async (t) => {
    const made = await workspace(t, idse);
    const { at, sockets } = await server(t, made, answer, answer);
    const before = idse.loadSync({ root: made.root, env: made.env });
    const error = await aborted(at, sockets);
    assert.deepEqual([error.name, error.code], ['AbortError', 'Cancelled']);
    assert.equal((await idse.status(at)).unsettled, false);
    assert.deepEqual(idse.loadSync({ root: made.root, env: made.env }), before);
    const late = await idse.push({ ...at, timeoutMs: 200 }).catch((error) => error);
    assert.deepEqual([late.code, late.temporary], ['Unavailable', true]);
  });

  test(`a write to a server that ${how} can be aborted, and is settled later`, async (t) => {
    const made = await workspace(t, idse);
    const { at, sockets } = await server(t, made, `${HEAD} 2\r\n\r\n[]`, answer);
    const before = idse.loadSync({ root: made.root, env: made.env });
    const error = await aborted(at, sockets);
    assert.deepEqual([error.code, error.reason], ['Unsettled', 'cancelled']);
    assert.deepEqual(idse.loadSync({ root: made.root, env: made.env }), before);
    assert.equal((await idse.status(at)).unsettled, true);
    // The server says that there is no such project: the push did not get there.
    await idse.settle(at);
    assert.equal((await idse.status(at)).unsettled, false);
  });
}

test('more calls wait than libuv has threads, and files are still read', async (t) => {
  const { at, release } = await held(t);
  const aborts = Array.from({ length: 12 }, () => new AbortController());
  const waiting = aborts.map(({ signal }) => idse.push({ ...at, signal }).catch((error) => error.code));
  await Promise.race([fs.promises.readFile(path.join(here, 'package.json')), wait(2000).then(() => assert.fail('no file was read'))]);
  aborts.forEach((abort) => abort.abort());
  assert.deepEqual(await Promise.all(waiting), Array(12).fill('Cancelled'));
  await release();
});

test('timeoutMs ends what waits', async (t) => {
  const { at } = await held(t);
  const error = await idse.push({ ...at, timeoutMs: 100 }).catch((error) => error);
  assert.deepEqual([error.code, error.temporary], ['Locked', true]);
});

test('an aborted call does not begin', async (t) => {
  const { scratch: root, env } = scratch(t);
  await assert.rejects(idse.init({ root, env, project: 'p', signal: AbortSignal.abort() }), { name: 'AbortError', code: 'Cancelled' });
  assert.deepEqual(fs.readdirSync(root), []);
});

test('a mistake of the listener ends the call and reaches the caller', async (t) => {
  const { at } = await workspace(t, idse);
  await assert.rejects(idse.push({ ...at, onProgress: () => { throw new RangeError('mine'); } }), /mine/);
});

test('no local verb opens a socket', async (t) => {
  const asked = [];
  const server = net.createServer((socket) => (asked.push(socket), socket.destroy()));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { root, env } = await workspace(t, idse);
  const config = { mcp_endpoint: `http://127.0.0.1:${server.address().port}/sync` };
  fs.writeFileSync(path.join(root, '.idseconfig.json'), JSON.stringify(config));
  const text = { stage: 'intent', text: '# Intent\n' };
  const needed = {
    init: { project: 'other' }, createSession: { session: 's2' }, switchSession: { session: 's1' }, write: text, validateText: text,
    setStage: { stage: 'intent', status: 'in_progress' }, resolve: { stage: 'intent', resolution: 'local' },
    mergeText: { base: '', local: '', remote: '' }, trust: { url: 'https://agency.example' },
  };
  const nowhere = ['mergeText', 'explain', 'trust', 'version'];
  const failed = [];
  for (const { name } of idse.verbs.filter((verb) => !verb.connecting)) {
    const start = path.join(root, '.idse/projects/portal');
    const place = nowhere.includes(name) ? {} : name === 'discover' ? { start } : { root, start };
    await idse.call(name, { ...place, env, ...needed[name] }).catch((error) => failed.push(`${name}: ${error.code}/${error.reason}`));
  }
  assert.deepEqual(failed, ['diff: NotFound/never_synced', 'resolve: NotFound/no_conflict', 'undo: NotFound/no_operation']);
  assert.equal(asked.length, 0);
  await assert.rejects(idse.status({ root, env, project: 'portal', remoteCheck: true }), { temporary: true });
  assert.ok(asked.length > 0, 'the same address is reached where a call asks for it');
});

test('a worker that ends stops its calls first', async (t) => {
  const { at, release } = await held(t);
  const source = "const { parentPort, workerData } = require('node:worker_threads'); require('idse-core').push(workerData).catch(() => {}); parentPort.postMessage('on');";
  const worker = new Worker(source, { eval: true, workerData: at });
  await new Promise((resolve) => worker.once('message', resolve));
  await wait(100);
  const asked = performance.now();
  await worker.terminate();
  assert.ok(performance.now() - asked < 1000);
  await release();
  assert.equal((await idse.push(at)).outcome, 'done');
});

test('the loader says what it looked for', () => {
  const run = (IDSE_CORE_NATIVE) => spawnSync(process.execPath, ['-e', 'require("idse-core")'], { cwd: here, encoding: 'utf8', env: { ...process.env, IDSE_CORE_NATIVE } });
  const missing = run('/nowhere/idse.node');
  assert.notEqual(missing.status, 0);
  assert.match(missing.stderr, /\/nowhere\/idse\.node: there is no such file/);
  assert.match(missing.stderr, /IDSE_NATIVE_MISSING/);
  assert.match(run(path.join(here, 'package.json')).stderr, /package\.json: /);
});

test('a panic is an error and kills nothing', { skip: !process.env.IDSE_TEST_PANIC && 'needs the addon that `check` builds' }, () => {
  const script = `
    const idse = require('idse-core');
    idse.call('panic').catch(async (error) => {
      try { idse.callSync('panic'); } catch (sync) {
        console.log(JSON.stringify([error.code, error.reason, sync.code, (await idse.version()).kind]));
      }
    });`;
  const env = { ...process.env, IDSE_CORE_NATIVE: process.env.IDSE_TEST_PANIC };
  const said = execFileSync(process.execPath, ['-e', script], { cwd: here, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
  assert.deepEqual(JSON.parse(said), ['Internal', 'panic', 'Internal', 'version']);
});

test('the example tells its story', (t) => {
  const { scratch: folder, env } = scratch(t);
  const [from, to] = [path.join(folder, 'here'), path.join(folder, 'there')];
  fs.cpSync(path.join(here, '../../examples/workspace'), from, { recursive: true, filter: (file) => !file.endsWith('.idse/sync') });
  fs.cpSync(path.join(here, '../../examples/story.mjs'), path.join(folder, 'story.mjs'));
  fs.mkdirSync(path.join(folder, 'node_modules'));
  fs.symlinkSync(here, path.join(folder, 'node_modules/idse-core'), 'junction');
  const said = execFileSync(process.execPath, ['story.mjs', from, to, `sqlite:${folder}/agency.db`], { cwd: folder, encoding: 'utf8', env: { ...env, PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'ignore'] });
  assert.deepEqual(said.trim().split('\n'), [
    'errors: 0', 'push: done', 'clone: customer-portal', 'push: done', 'pull elsewhere: conflict', 'resolve: text', 'push elsewhere: done', 'pull: done',
  ]);
});
