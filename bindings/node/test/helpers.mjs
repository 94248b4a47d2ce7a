// What the tests share.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

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
