// Walks tests/conformance (its README.md describes the forms) through the Node door.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as idse from 'idse-core';
import { scratch } from './helpers.mjs';

const cases = fileURLToPath(new URL('../../../tests/conformance', import.meta.url));
const STAGES = ['intent', 'context', 'spec', 'plan', 'tasks', 'implementation', 'feedback'];
const FILES = ['intents/intent', 'contexts/context', 'specs/spec', 'plans/plan', 'tasks/tasks', 'implementation/README', 'feedback/feedback'];
const PATHS = Object.fromEntries(STAGES.map((stage, at) => [stage, `${FILES[at]}.md`]));
const list = (folder) => fs.readdirSync(path.join(cases, folder)).sort();
const read = (...names) => fs.readFileSync(path.join(cases, ...names), 'utf8');
const write = (file, data) => (fs.mkdirSync(path.dirname(file), { recursive: true }), fs.writeFileSync(file, data));

test('merge', () => {
  for (const name of list('merge')) {
    const [base, local, remote] = ['base.md', 'local.md', 'remote.md'].map((file) => read('merge', name, file));
    const merged = idse.mergeTextSync({ base, local, remote });
    assert.equal(merged.text, read('merge', name, merged.clean ? 'expected.md' : 'conflict.md'), name);
  }
  assert.ok(list('merge').length >= 120);
});

test('validate', (t) => {
  const line = (session) => ({ code, severity, path: file, span: s }) =>
    `${code} ${severity} ${file.replace(`${session}/`, '')} ${s ? `${s.start.line}:${s.start.column}-${s.end.line}:${s.end.column}` : '-'}`;
  let ran = 0;
  for (const name of list('validate')) {
    const parts = read('validate', name).split(/^=== (.*)\n/m).slice(1);
    const files = new Map(parts.flatMap((part, at) => (at % 2 ? [] : [[part.trim(), parts[at + 1]]])));
    const { stage, status, config, replace = [], memory } = JSON.parse(files.get('case'));
    const expected = files.get('expect').split('\n').filter((found) => found && found !== 'none');
    files.delete('case'), files.delete('expect');
    if (memory) continue;
    for (const [from, to, times = 1] of replace) for (const [file, text] of files) files.set(file, text.replaceAll(from, () => to.repeat(times)));
    const { scratch: root, env } = scratch(t);
    const session = '.idse/projects/shop/sessions/checkout';
    fs.mkdirSync(path.join(root, session), { recursive: true });
    if (config) write(path.join(root, '.idseconfig.json'), JSON.stringify({ validate: config }));
    if (stage) files.set('metadata/session_state.json', JSON.stringify({ stages: { [stage]: status } }));
    files.set('../../CURRENT_SESSION', 'checkout\n');
    for (const [file, text] of files) write(path.join(root, session, file), text);
    const place = { root, env, project: 'shop', session: 'checkout' };
    let report = idse.validateSync({ ...place, ...(stage && { stages: [stage] }) }).diagnostics;
    if (stage) {
      const alone = idse.validateTextSync({ ...place, stage, status, text: files.get(PATHS[stage]) }).diagnostics;
      // A file with a NUL is refused as a whole.
      if (files.get(PATHS[stage]).includes('\0')) report = alone;
      assert.deepEqual(alone, report.filter((found) => found.stage), `${name}, alone`);
    }
    assert.deepEqual(report.map(line(session)), expected, name);
    ran++;
  }
  assert.ok(ran >= 100, `${ran} cases`);
});

const hands = spawn('python3', [path.join(cases, '../../bindings/node/test/hands.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: hands.stdout })[Symbol.asyncIterator]();
const ask = async (question) => (hands.stdin.write(`${JSON.stringify(question)}\n`), JSON.parse((await answers.next()).value));
after(() => hands.stdin.end());

class Story {
  constructor(t) {
    Object.assign(this, scratch(t));
  }
  root = (step) => path.join(this.scratch, step.at ?? 'alice');
  place = (step) => ({ project: step.project ?? 'portal', session: step.session ?? 's1' });
  folder = (step, ...rest) => path.join(this.root(step), '.idse/projects', this.place(step).project, 'sessions', this.place(step).session, ...rest);
  agency = (step) => path.join(this.scratch, `${step.remote ?? 'agency'}.db`);

  /** Asks other hands; an agency that is not there yet comes into being with somebody's first push. */
  async hands(step, more) {
    if (!fs.existsSync(this.agency(step))) {
      const at = { at: 'first', project: 'first', remote: step.remote };
      for (const verb of ['init', 'push']) await this.act(verb, at);
    }
    return ask({ db: this.agency(step), ...this.place(step), ...more });
  }

  /** Runs the verb of a step, with what the step names as its options. */
  async act(verb, step) {
    const { do: _, at, expect, texts, with: resolution, side, to, path: __, ...options } = step;
    const { project, session } = this.place(step);
    const local = ['init', 'setStage', 'createSession', 'switchSession', 'undo'].includes(verb);
    const remote = local ? undefined : `sqlite:${this.agency(step)}`;
    const camel = Object.fromEntries(Object.entries(options).map(([key, value]) => [key.replace(/_(.)/g, (_, c) => c.toUpperCase()), value]));
    const place = verb === 'undo' ? { project: undefined, session: undefined }
      : verb === 'clone' ? { name: project, project: undefined }
      : verb === 'link' ? { project, session: undefined, name: to ?? project } : { project, session };
    const more = { resolution, ...(verb === 'diff' && side === 'remote' && { against: 'remote' }), ...(verb === 'init' && { status: undefined }) };
    fs.mkdirSync(this.root(step), { recursive: true });
    return idse[verb]({ ...camel, root: this.root(step), env: this.env, ...place, remote, ...more });
  }

  async start(step) {
    await this.act('init', step);
    for (const [stage, file] of step.texts ? Object.entries(PATHS) : []) {
      if (stage in step.texts) fs.writeFileSync(this.folder(step, file), step.texts[stage]);
      else fs.rmSync(this.folder(step, file));
    }
    const { project, session, at } = step;
    for (const [stage, status] of Object.entries(step.status ?? {})) await this.act('setStage', { at, project, session, stage, status });
  }

  async check(step) {
    for (const [stage, text] of Object.entries(step.files ?? {})) {
      const file = this.folder(step, PATHS[stage]);
      assert.equal(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null, text, `file ${stage}`);
    }
    const { at, project, session, remote } = step;
    const report = await this.act('status', { at, project, session, remote });
    const pick = (wanted, field) => Object.fromEntries(Object.keys(wanted).map((stage) => [stage, report.stages.find((line) => line.stage === stage)[field]]));
    for (const field of ['status', 'sync']) if (step[field]) assert.deepEqual(pick(step[field], field), step[field]);
    for (const [key, field] of [['open', 'conflict'], ['push', 'push'], ['pull', 'pull']]) {
      if (step[key]) assert.deepEqual(report.stages.filter((line) => line[field]).map((line) => line.stage), step[key], key);
    }
    for (const key of ['unsettled', 'next', 'last_agent', 'current']) if (key in step) assert.deepEqual(report[key], step[key], key);
  }

  async verb(step) {
    const { error, steps, moved, conflicts, note, diffs, ...fields } = step.expect ?? {};
    const verb = { stage: 'setStage' }[step.do] ?? step.do.replace(/_(.)/g, (_, c) => c.toUpperCase());
    const report = await this.act(verb, step).catch((e) => (error ? e : Promise.reject(e)));
    if (error) return assert.equal(error.includes('/') ? `${report.code}/${report.reason}` : report.code, error);
    const of = (stage) => ((s) => (s ? `${s.class}/${s.action}` : null))(report.steps.find((s) => s.stage === stage));
    if (steps) assert.deepEqual(Object.fromEntries(Object.keys(steps).map((stage) => [stage, of(stage)])), steps);
    const moves = ['send', 'send_null', 'write', 'merge', 'remove'];
    if (moved) assert.deepEqual(report.steps.filter((s) => moves.includes(s.action)).map((s) => s.stage), moved);
    if (conflicts) assert.deepEqual(Object.fromEntries(report.conflicts.map((c) => [c.stage, c.kind])), conflicts);
    if (note) assert.match(JSON.stringify(report.notes), new RegExp(note.replace(/[^\w ]/g, '\\$&')));
    if (diffs) assert.deepEqual(report.stages.map((d) => d.stage), diffs);
    for (const [key, value] of Object.entries(fields)) assert.deepEqual(report[key] ?? null, value, key);
  }

  async tell(step) {
    const data = () => step.text ?? (step.hex === undefined ? JSON.stringify(step.json) : Buffer.from(step.hex, 'hex'));
    const folder = path.join(this.root(step), '.idse/sync');
    const under = (part) => fs.readdirSync(folder, { recursive: true }).filter((file) => file.includes(part)).map((file) => path.join(folder, file));
    const { project, session } = this.place(step);
    switch (step.do) {
      case 'start': return this.start(step);
      case 'write': return write(this.folder(step, PATHS[step.stage]), data());
      case 'remove': return fs.rmSync(this.folder(step, PATHS[step.stage]));
      case 'file': return write(path.join(this.root(step), step.path), data());
      case 'merged': return write(under(path.join('conflicts', project, session, step.stage, 'merged.md'))[0], data());
      case 'row': return assert.ok(await this.hands(step, { do: 'row', create: !!step.create, texts: step.texts ?? {}, state: step.state ?? null }));
      case 'drop': return this.hands(step, { do: 'drop', whole: !!step.whole });
      case 'kept': return assert.ok(under(`objects${path.sep}`).some((file) => fs.statSync(file).isFile() && fs.readFileSync(file, 'utf8') === step.text), 'kept');
      case 'check': return this.check(step);
      case 'agency': {
        const row = await this.hands(step, { do: 'read' });
        assert.equal(row === null, !!step.missing, 'missing');
        for (const [stage, text] of Object.entries(step.texts ?? {})) assert.equal(row.texts[stage], text, `${stage} in the agency`);
        for (const [at, value] of Object.entries(step.state ?? {})) assert.deepEqual(at.split('/').slice(1).reduce((v, key) => v?.[key], row.state) ?? null, value, at);
        return;
      }
      default: return this.verb(step);
    }
  }
}

const stories = list('sync').map((file) => [file, JSON.parse(read('sync', file))]).filter(([, story]) => !story.agency);
assert.ok(stories.length >= 60, `${stories.length} stories`);
test('sync', { concurrency: 8 }, async (t) => {
  const tell = (steps) => async (t) => {
    const story = new Story(t);
    for (const [at, step] of steps.entries()) {
      await story.tell(step).catch((cause) => { throw new Error(`step ${at + 1} (${step.do}): ${cause.message}`, { cause }); });
    }
  };
  await Promise.all(stories.map(([name, { steps }]) => t.test(name, tell(steps))));
});
