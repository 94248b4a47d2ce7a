// What the tests share.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

/** A folder that goes away with the test, and an environment that knows nothing of the machine's user. */
export function scratch(t) {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'idse-node-')));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const home = path.join(folder, 'home');
  const env = { HOME: home, XDG_DATA_HOME: `${home}/data`, XDG_CONFIG_HOME: `${home}/config` };
  return { scratch: folder, env };
}

/** A workspace with one project. */
export async function workspace(t, idse) {
  const { scratch: folder, env } = scratch(t);
  const root = path.join(folder, 'workspace');
  fs.mkdirSync(root);
  await idse.init({ root, env, project: 'portal', session: 's1' });
  const remote = `sqlite:${path.join(folder, 'agency.db')}`;
  return { folder, root, env, remote, at: { root, env, remote } };
}

/** Every kind: name, number, whether it is temporary, exit code of the command line. */
export const ERRORS = [
  ['InvalidArgument', 10, false, 2],
  ['NotFound', 11, false, 6],
  ['InvalidWorkspace', 12, false, 2],
  ['InvalidConfig', 13, false, 2],
  ['Exists', 14, false, 2],
  ['Io', 20, false, 2],
  ['Locked', 21, true, 4],
  ['Unauthorized', 30, false, 5],
  ['RateLimited', 31, true, 4],
  ['Unavailable', 32, true, 4],
  ['Protocol', 33, false, 4],
  ['Unsettled', 34, true, 4],
  ['Cancelled', 41, false, 130],
  ['Internal', 90, false, 70],
];

/** The artifacts, by their stage. */
export const FILES = {
  intent: 'intents/intent.md',
  context: 'contexts/context.md',
  spec: 'specs/spec.md',
  plan: 'plans/plan.md',
  tasks: 'tasks/tasks.md',
  implementation: 'implementation/README.md',
  feedback: 'feedback/feedback.md',
};

/** Takes a case of tests/conformance/validate apart. */
export function parseCase(source) {
  const parts = source.split(/^=== (.*)\n/m).slice(1);
  const files = new Map(parts.flatMap((part, at) => (at % 2 ? [] : [[part.trim(), parts[at + 1]]])));
  const header = JSON.parse(files.get('case'));
  const expected = files.get('expect').split('\n').filter((line) => line && line !== 'none');
  files.delete('case');
  files.delete('expect');
  for (const [from, to, times = 1] of header.replace ?? []) {
    for (const [file, text] of files) files.set(file, text.replaceAll(from, () => to.repeat(times)));
  }
  return { ...header, files, expected };
}

/** Starts other hands on agency files, `hands.py`, and returns the function that asks them. */
export function hands() {
  const script = fileURLToPath(new URL('hands.py', import.meta.url));
  const process = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  after(() => process.stdin.end());
  return async (question) => {
    process.stdin.write(`${JSON.stringify(question)}\n`);
    return JSON.parse((await answers.next()).value);
  };
}
