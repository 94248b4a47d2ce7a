// The parts that know nothing of the editor, and what they take for granted of the engine.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import idse from '../../../bindings/node/index.js';
import { byPath, missingHeading, nextAfter, offersFor, rangeOf } from '../dist/pure/findings.mjs';
import { artifactAt, conflictOf, FILES, fileOf, STAGES } from '../dist/pure/place.mjs';
import { before } from '../dist/pure/unified.mjs';
import { failure, outcome, sessionRow, stageRow, statusItem, summary } from '../dist/pure/words.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'));
const at = (line, character) => ({ line, character });
const place = { project: 'p', session: 's' };

/** A workspace, and an environment that knows nothing of the machine's user. */
async function workspace(t) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'idse-vscode-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  const env = { HOME: path.join(root, 'home') };
  await idse.init({ root, env, project: 'p', session: 's' });
  return { root, env, remote: `sqlite:${path.join(root, 'agency.db')}` };
}

/** Does to a text what an editor would. */
function edited(text, edits) {
  const offset = ({ line, character }) => text.split('\n').slice(0, line).reduce((sum, it) => sum + it.length + 1, 0) + character;
  return [...edits].reverse().reduce((text, { range, text: inserted }) => text.slice(0, offset(range.start)) + inserted + text.slice(offset(range.end)), text);
}

test('only artifacts are our files', () => {
  const file = '/work/shop/.idse/projects/p/sessions/s/specs/spec.md';
  assert.deepEqual(artifactAt(file), { root: '/work/shop', path: '.idse/projects/p/sessions/s/specs/spec.md', ...place, stage: 'spec' });
  assert.equal(artifactAt('C:\\shop\\.idse\\projects\\p\\sessions\\s\\implementation\\README.md').stage, 'implementation');
  for (const other of ['/work/README.md', '/work/.idse/projects/p/sessions/s/specs/notes.md', '/work/.idse/projects/p/sessions/s/metadata/session.json', '/work/.idse/sync/k/conflicts/p/s/spec/merged.md']) {
    assert.equal(artifactAt(other), null, other);
  }
});

test('the engine keeps each stage where we look for it', async (t) => {
  const { root, env } = await workspace(t);
  const { artifacts } = await idse.load({ root, env });
  assert.deepEqual(artifacts.map(({ stage, path }) => [stage, path]), STAGES.map((stage) => [stage, fileOf(place, stage)]));
  assert.equal(Object.keys(FILES).length, 7);
});

test('a conflict lies where we look for it', async (t) => {
  const mine = await workspace(t);
  const { root, env, remote } = mine;
  const theirs = { root: path.join(root, 'theirs'), env, remote };
  await idse.push(mine);
  await idse.clone({ ...theirs, name: 'p' });
  for (const [side, text] of [[mine, 'mine'], [theirs, 'theirs']]) await idse.write({ root: side.root, env, stage: 'intent', text: `# ${text}\n` });
  await idse.push(theirs);
  const report = await idse.pull(mine);
  const { remote: info } = await idse.status(mine);
  assert.equal(report.conflicts[0].path, conflictOf(info.key, place, 'intent'));
  for (const name of ['base.md', 'remote.md', 'merged.md']) assert.ok(fs.existsSync(path.join(root, report.conflicts[0].path, name)), name);
  assert.match(stageRow((await idse.status(mine)).stages[0]).context, /^stage pending conflict/);
  assert.equal(outcome(report).offer, 'Resolve…');
  // A push before the pull has nothing to decide between yet.
  assert.equal(outcome({ ...report, conflicts: report.conflicts.map((it) => ({ ...it, path: null })) }).offer, undefined);
});

test('the missing section that the engine names is inserted, and then it is not missing', async (t) => {
  const { root, env } = await workspace(t);
  for (const stage of STAGES) {
    for (const start of ['# Title', '# Title\n', '# Title\n\n', '# Title\r\n\r\nText\r\n', '']) {
      let text = start;
      for (let round = 0; round < 20; round++) {
        const { diagnostics } = await idse.validateText({ root, env, ...place, stage, text });
        const found = diagnostics.find((it) => it.code === 'IDSE103' && missingHeading(it));
        if (!found) break;
        text = edited(text, offersFor(found, text).find((offer) => /^Insert/.test(offer.title)).edits);
        const again = (await idse.validateText({ root, env, ...place, stage, text })).diagnostics;
        assert.ok(!again.some((it) => it.message === found.message), `${stage}: ${found.message} in ${JSON.stringify(text)}`);
        assert.ok(round < 19);
      }
      assert.ok(!/[^\n]\n## |\n\n\n/.test(text.replaceAll('\r\n', '\n')), JSON.stringify(text));
      assert.ok(!start.includes('\r') || !/[^\r]\n/.test(text), 'line ends stay');
    }
  }
});

test('silence holds a finding back, here and in the file', async (t) => {
  const { root, env } = await workspace(t);
  for (const text of ['# Title\n\n[REQUIRES INPUT]\n', '---\na: b\n---\n\n# Title\n\n- one\n  [REQUIRES INPUT] \u{1f600}\n']) {
    const check = async (text) => (await idse.validateText({ root, env, ...place, stage: 'intent', text })).diagnostics;
    for (const code of ['IDSE101', 'IDSE103']) {
      const found = (await check(text)).find((it) => it.code === code);
      const offer = offersFor(found, text).find((it) => it.title.startsWith('Silence'));
      const left = await check(edited(text, offer.edits));
      assert.ok(!left.some((it) => it.message === found.message), `${code} in ${edited(text, offer.edits)}`);
      assert.ok(!left.some((it) => it.code.startsWith('IDSE9')));
    }
  }
});

test('the fixes of the engine are offered first', async (t) => {
  const { root, env } = await workspace(t);
  const text = '# Title\n\n## Success Criteria\n\n\u{1f600}\n\n## Success Criteria\n';
  const { diagnostics } = await idse.validateText({ root, env, ...place, stage: 'intent', text });
  const found = diagnostics.find((it) => it.fix);
  assert.ok(found, JSON.stringify(diagnostics));
  const [first] = offersFor(found, text);
  assert.equal(first.preferred, true);
  assert.equal(edited(text, first.edits), '# Title\n\n## Success Criteria\n\n\u{1f600}\n\n');
});

test('findings are shown where they are, and by their files', () => {
  const span = { start: { utf16: at(3, 2) }, end: { utf16: at(3, 9) } };
  assert.deepEqual(rangeOf({ span }), { start: at(3, 2), end: at(3, 9) });
  assert.deepEqual(rangeOf({ span: null }).start, at(0, 0));
  assert.deepEqual([...byPath([{ path: 'a' }, { path: 'b' }, { path: 'a' }])].map(([file, found]) => [file, found.length]), [['a', 2], ['b', 1]]);
});

test('the next marker is behind the cursor, around the end', () => {
  const places = [[5, 0], [1, 3], [1, 9]].map(([line, character]) => ({ start: at(line, character), end: at(line, character) }));
  assert.deepEqual(nextAfter(places, at(1, 3)).start, at(1, 9));
  assert.deepEqual(nextAfter(places, at(2, 0)).start, at(5, 0));
  assert.deepEqual(nextAfter(places, at(9, 0)).start, at(1, 3));
  assert.equal(nextAfter([], at(0, 0)), undefined);
});

test('a diff of the engine is read backwards', async (t) => {
  const { root, env, remote } = await workspace(t);
  const many = Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n');
  const pairs = [
    ['a\nb\nc\n', 'a\nB\nc\n'], ['a\n', ''], ['', 'a\n'], ['a', 'a\n'], ['a\n', 'a'], ['a', 'b'], ['-- x\n', '++ x\n'],
    [many, many.replace('line 3', 'LINE 3').replace('line 30\n', '').replace('line 39', 'line 39\nmore')],
    [many, `top\n${many}\n`], ['a\n\u{1f600}\n', '\ufeffa\r\nb\r\n'], ['@@ -1 +1 @@\n', '@@ -1 +1 @@\n-x\n'],
  ];
  for (const [from, to] of pairs) {
    await idse.write({ root, env, stage: 'intent', text: from });
    await idse.push({ root, env, remote, allowEmpty: true, forceClear: true });
    await idse.write({ root, env, stage: 'intent', text: to });
    const diff = (await idse.diff({ root, env, remote, stages: ['intent'] })).stages[0]?.diff ?? '';
    assert.equal(before(to, diff), from, diff);
  }
  assert.throws(() => before('x\n', '--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n'), /another text/);
});

test('the engine says which agency of a folder nobody trusted yet, and asks nobody', async (t) => {
  const { root, env } = await workspace(t);
  fs.writeFileSync(path.join(root, '.idseconfig.json'), JSON.stringify({ mcp_endpoint: 'https://agency.invalid/sync' }));
  const error = await idse.push({ root, env }).catch((error) => error);
  assert.deepEqual([error.code, error.reason, error.details.origin], ['Unauthorized', 'untrusted', 'https://agency.invalid']);
  const { settings } = await idse.doctor({ root, env });
  assert.equal(settings.find(({ key }) => key === 'remote').value, 'https://agency.invalid/sync');
  assert.equal((await idse.status({ root, env })).remote.address, 'https://agency.invalid/sync');
});

test('rows, the status item and the outcomes say what is', async (t) => {
  const mine = await workspace(t);
  const report = await idse.push(mine);
  assert.deepEqual([outcome(report).level, /^Pushed intent, /.test(outcome(report).message)], ['quiet', true]);
  assert.deepEqual(outcome(await idse.push(mine)), { level: 'quiet', message: 'p/s is up to date.' });
  await idse.write({ root: mine.root, env: mine.env, stage: 'spec', text: '# Spec\n' });
  const status = await idse.status(mine);
  assert.deepEqual([summary(status), statusItem(status).text], ['1↑', '$(checklist) IDSE 1↑']);
  assert.match(stageRow(status.stages[2]).description, /^pending · ↑ to push$/);
  assert.match(sessionRow(status).description, /^0\/7 · 1↑$/);
  assert.equal(statusItem(undefined).text, '$(checklist) IDSE');
  await idse.setStage({ root: mine.root, env: mine.env, stage: 'intent', status: 'complete' });
  const refused = outcome(await idse.push(mine));
  assert.deepEqual([refused.level, refused.offer], ['warning', 'Show Problems']);
  assert.match(refused.message, /was not pushed: \S/);
  assert.equal(failure({ message: 'it is gone', hint: 'Look.' }), 'it is gone. Look.');
});

test('the manifest is whole', () => {
  const { commands, menus, views, walkthroughs } = manifest.contributes;
  const known = new Set(commands.map(({ command }) => command));
  for (const { command } of Object.values(menus).flat()) assert.ok(known.has(command), command);
  const source = fs.readFileSync(path.join(here, 'src/commands.ts'), 'utf8');
  for (const command of known) assert.ok(source.includes(`      ${command.slice('idse.'.length)}: (`), `${command} is carried out`);
  const title = (id) => ((it) => `${it.category}: ${it.title}`)(commands.find(({ command }) => command === id));
  assert.equal(title('idse.syncPush'), 'IDSE: Sync Project to Agency');
  assert.equal(title('idse.syncPull'), 'IDSE: Pull Latest from Agency');
  assert.equal(walkthroughs[0].steps.length, 4);
  assert.deepEqual(Object.keys(views), ['idse']);
  for (const { media } of walkthroughs[0].steps) assert.ok(fs.existsSync(path.join(here, media.markdown)), media.markdown);
  for (const { url } of manifest.contributes.jsonValidation) assert.ok(fs.existsSync(path.join(here, url)), url);
  const text = JSON.stringify(manifest);
  for (const [link] of text.matchAll(/command:(idse\.\w+)\)/g)) assert.ok(known.has(link.slice(8, -1)), link);
});
