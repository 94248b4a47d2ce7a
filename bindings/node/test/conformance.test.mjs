// Walks tests/conformance (its README.md describes the forms) through the Node door.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as idse from 'idse-core';
import { FILES, hands, parseCase, scratch } from './helpers.mjs';

const cases = fileURLToPath(new URL('../../../tests/conformance', import.meta.url));
const list = (folder) => fs.readdirSync(path.join(cases, folder)).sort();
const read = (...names) => fs.readFileSync(path.join(cases, ...names), 'utf8');
const write = (file, data) => (fs.mkdirSync(path.dirname(file), { recursive: true }), fs.writeFileSync(file, data));
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const map = (keys, of) => Object.fromEntries(keys.map((key) => [key, of(key)]));

test('merge', () => {
  assert.ok(list('merge').length >= 120);
  for (const name of list('merge')) {
    const [base, local, remote] = ['base.md', 'local.md', 'remote.md'].map((file) => read('merge', name, file));
    const merged = idse.mergeTextSync({ base, local, remote });
    assert.equal(merged.text, read('merge', name, merged.clean ? 'expected.md' : 'conflict.md'), name);
  }
});

test('validate', (t) => {
  const folder = '.idse/projects/shop/sessions/checkout';
  const line = ({ code, severity, path: file, span: s }) =>
    `${code} ${severity} ${file.replace(`${folder}/`, '')} ${s ? `${s.start.line}:${s.start.column}-${s.end.line}:${s.end.column}` : '-'}`;
  const run = (name) => {
    const { stage, status, config, memory, files, expected } = parseCase(read('validate', name));
    if (memory) return false;
    files.set('../../CURRENT_SESSION', 'checkout\n');
    if (stage) files.set('metadata/session_state.json', JSON.stringify({ stages: { [stage]: status } }));
    const { scratch: root, env } = scratch(t);
    if (config) write(path.join(root, '.idseconfig.json'), JSON.stringify({ validate: config }));
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    for (const [file, text] of files) write(path.join(root, folder, file), text);
    const place = { root, env, project: 'shop', session: 'checkout' };
    let report = idse.validateSync({ ...place, stages: stage ? [stage] : [] }).diagnostics;
    if (stage) {
      const text = files.get(FILES[stage]);
      const alone = idse.validateTextSync({ ...place, stage, status, text }).diagnostics.map(line);
      assert.deepEqual(alone, report.filter((found) => found.stage).map(line), `${name}, alone`);
    }
    return assert.deepEqual(report.map(line), expected, name), true;
  };
  assert.ok(list('validate').filter(run).length >= 100);
});

const ask = hands();
class Story {
  constructor(t) { Object.assign(this, scratch(t)); }
  root = (step) => path.join(this.scratch, step.at ?? 'alice');
  place = (step) => ({ project: step.project ?? 'portal', session: step.session ?? 's1' });
  name = (step) => ({ at: step.at, ...this.place(step) });
  file = (step, name) => path.join(this.root(step), '.idse/projects', this.place(step).project, 'sessions', this.place(step).session, name);
  agency = (step) => path.join(this.scratch, `${step.remote ?? 'agency'}.db`);
  /** Asks other hands; an agency that is not there yet comes into being with somebody's first push. */
  async hands(step, more) {
    const first = { at: 'first', project: 'first' };
    if (!fs.existsSync(this.agency(step))) await this.act('init', first), await this.act('push', { ...first, remote: step.remote });
    return ask({ db: this.agency(step), ...this.place(step), ...more });
  }
  /** Runs the verb of a step, with what the step names as its options. */
  act(verb, step) {
    const { do: _, at, expect, texts, with: resolution, side, to, path: __, status, ...rest } = step;
    const { project, session } = this.place(step);
    const options = { ...map(Object.keys(rest), (key) => rest[key]), root: this.root(step), project, session, resolution };
    if (verb === 'setStage') options.status = status;
    if (verb === 'undo') delete options.project, delete options.session;
    if (verb === 'clone') delete options.project, (options.name = project), (options.session = step.session);
    if (verb === 'link') delete options.session, (options.name = to ?? project);
    if (side) options.against = side;
    if (!['init', 'setStage', 'createSession', 'switchSession', 'undo'].includes(verb)) options.remote = `sqlite:${this.agency(step)}`;
    fs.mkdirSync(options.root, { recursive: true });
    return idse[verb]({ ...Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value])), env: this.env });
  }
  async start(step) {
    await this.act('init', step);
    for (const [stage, file] of step.texts ? Object.entries(FILES) : []) {
      stage in step.texts ? write(this.file(step, file), step.texts[stage]) : fs.rmSync(this.file(step, file));
    }
    for (const [stage, status] of Object.entries(step.status ?? {})) await this.act('setStage', { ...this.name(step), stage, status });
  }
  async check(step) {
    for (const [stage, text] of Object.entries(step.files ?? {})) {
      const file = this.file(step, FILES[stage]);
      assert.equal(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null, text, `file ${stage}`);
    }
    const got = { ...(await this.act('status', { ...this.name(step), remote: step.remote })) };
    const lines = got.stages;
    for (const key of ['status', 'sync']) got[key] = map(Object.keys(step[key] ?? {}), (stage) => lines.find((l) => l.stage === stage)[key]);
    for (const key of ['conflict', 'push', 'pull']) got[key] = lines.filter((l) => l[key]).map((l) => l.stage);
    got.open = got.conflict;
    const wanted = ['status', 'sync', 'open', 'push', 'pull', 'unsettled', 'next', 'last_agent', 'current'].filter((key) => key in step);
    assert.deepEqual(map(wanted, (key) => got[key]), map(wanted, (key) => step[key]));
  }
  async verb(step) {
    const { error, note, ...expected } = step.expect ?? {};
    const report = await this.act({ stage: 'setStage' }[step.do] ?? camel(step.do), step).catch((e) => (error ? e : Promise.reject(e)));
    if (error) return assert.equal(error.includes('/') ? `${report.code}/${report.reason}` : report.code, error);
    const got = { ...report };
    const of = (stage) => report.steps.filter((s) => s.stage === stage).map((s) => `${s.class}/${s.action}`)[0] ?? null;
    if (expected.steps) got.steps = map(Object.keys(expected.steps), of);
    const moved = (s) => ['send', 'send_null', 'write', 'merge', 'remove'].includes(s.action);
    if (expected.moved) got.moved = report.steps.filter(moved).map((s) => s.stage);
    if (expected.conflicts) got.conflicts = Object.fromEntries(report.conflicts.map((c) => [c.stage, c.kind]));
    if (expected.diffs) got.diffs = report.stages.map((d) => d.stage);
    if (note) assert.ok(report.notes.join('\n').includes(note), `${note}: ${report.notes}`);
    assert.deepEqual(map(Object.keys(expected), (key) => got[key] ?? null), expected);
  }
  async agency_(step) {
    const row = await this.hands(step, { do: 'read' });
    assert.equal(row === null, !!step.missing, 'missing');
    for (const [stage, text] of Object.entries(step.texts ?? {})) assert.equal(row.texts[stage], text, `${stage} in the agency`);
    const at = (pointer) => pointer.split('/').slice(1).reduce((value, key) => value?.[key], row.state) ?? null;
    assert.deepEqual(map(Object.keys(step.state ?? {}), at), step.state ?? {});
  }
  async tell(step) {
    const data = step.text ?? (step.hex === undefined ? JSON.stringify(step.json) : Buffer.from(step.hex, 'hex'));
    const sync = path.join(this.root(step), '.idse/sync');
    const inside = (part) => fs.readdirSync(sync, { recursive: true }).filter((file) => file.includes(part)).map((file) => path.join(sync, file));
    switch (step.do) {
      case 'start': return this.start(step);
      case 'write': return write(this.file(step, FILES[step.stage]), data);
      case 'remove': return fs.rmSync(this.file(step, FILES[step.stage]));
      case 'file': return write(path.join(this.root(step), step.path), data);
      case 'merged': return write(inside(path.join('conflicts', ...Object.values(this.place(step)), step.stage, 'merged.md'))[0], data);
      case 'row': return assert.ok(await this.hands(step, { do: 'row', create: !!step.create, texts: step.texts ?? {}, state: step.state ?? null }));
      case 'drop': return this.hands(step, { do: 'drop', whole: !!step.whole });
      case 'kept': return assert.ok(inside(`objects${path.sep}`).some((file) => fs.statSync(file).isFile() && fs.readFileSync(file, 'utf8') === step.text));
      case 'check': return this.check(step);
      case 'agency': return this.agency_(step);
      default: return this.verb(step);
    }
  }
}

test('sync', { concurrency: 8 }, async (t) => {
  const stories = list('sync').map((file) => [file, JSON.parse(read('sync', file))]).filter(([, story]) => !story.agency);
  assert.ok(stories.length >= 60);
  const tell = (steps) => async (t) => {
    const story = new Story(t);
    const failed = (at) => (cause) => { throw new Error(`step ${at + 1} (${steps[at].do}): ${cause.message}`, { cause }); };
    for (const [at, step] of steps.entries()) await story.tell(step).catch(failed(at));
  };
  await Promise.all(stories.map(([name, { steps }]) => t.test(name, tell(steps))));
});
