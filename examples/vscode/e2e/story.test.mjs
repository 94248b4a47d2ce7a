// A person's day with the extension: a finding, its quick fix, a push, a conflict with another client, its end.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answers, command, end, freePort, open, openBrowser, pick, startEditor } from './editor.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { IDSE_VSIX: vsix, IDSE_PROGRAM: program, IDSE_GATEWAY: gateway } = process.env;
const SESSION = '.idse/projects/customer-portal/sessions/invoice-download';

/** Starts the agency: a gateway that this test owns where there is one, and lets in who has a token; else a file. */
async function startAgency(later, home, env) {
  const file = path.join(home, 'agency.db');
  if (!gateway) return { agency: `sqlite:${file}`, token: null };
  const { stdout, stderr } = spawnSync(gateway, ['token', 'alice', '--scope', 'read,write'], { env, encoding: 'utf8' });
  const said = `${stdout}\n${stderr}`;
  const token = /idse_[0-9a-f]+/.exec(said)[0];
  const tokens = path.join(home, 'tokens');
  fs.writeFileSync(tokens, `${/^alice .*$/m.exec(said)[0]}\n`, { mode: 0o600 });
  const port = await freePort();
  const log = path.join(home, 'gateway.log');
  const out = fs.openSync(log, 'w');
  const args = ['--listen', `127.0.0.1:${port}`, '--store', `sqlite:${file}`, '--tokens', tokens];
  const server = spawn(gateway, args, { env, detached: true, stdio: ['ignore', out, out] });
  later(() => end(server));
  await answers(`http://127.0.0.1:${port}/sync/health`, log, server);
  return { agency: `http://127.0.0.1:${port}/sync`, token };
}

/** What every story begins with: an empty home, and an end that undoes everything. */
function begin(t) {
  // Each step needs the one before: the first that fails ends the story.
  const step = async (name, work) => {
    t.diagnostic(name);
    await work();
  };
  // What is done at the end, the last thing first.
  const done = [];
  const later = (work) => done.unshift(work);
  t.after(async () => {
    for (const work of done) await work();
  });
  const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'idse-vscode-')));
  later(() => fs.rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: home, XDG_CONFIG_HOME: `${home}/config`, XDG_DATA_HOME: `${home}/data` };
  return { step, later, home, env };
}

/** Opens a folder in a new editor; `shot` keeps what is seen. */
async function openEditor(later, story, options) {
  const editor = await startEditor({ vsix, ...options });
  later(() => editor.stop());
  const browser = await openBrowser();
  later(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(30_000);
  const shots = path.join(here, 'shots');
  fs.mkdirSync(shots, { recursive: true });
  let number = 0;
  const shot = (name) => page.screenshot({ path: path.join(shots, `${story}-${++number}-${name}.png`) });
  later(() => shot('last').catch(() => {}));
  await page.goto(editor.url, { waitUntil: 'domcontentloaded' });
  await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
  return { page, shot };
}

test('a finding, its fix, a push, a conflict and its end', async (t) => {
  const { step, later, home, env } = begin(t);
  const root = path.join(home, 'shop');
  fs.cpSync(path.join(here, '../../workspace'), root, { recursive: true });
  fs.rmSync(path.join(root, '.idse/sync'), { recursive: true, force: true });
  const { agency, token } = await startAgency(later, home, env);
  if (gateway) fs.writeFileSync(path.join(root, '.idseconfig.json'), JSON.stringify({ mcp_endpoint: agency }));
  const spec = path.join(root, SESSION, 'specs/spec.md');
  const heading = '## Functional Requirements';
  fs.writeFileSync(spec, fs.readFileSync(spec, 'utf8').replace(`${heading}\n`, ''));
  const idse = (folder, ...args) => 
    JSON.parse(execFileSync(program, ['--root', folder, '--json', ...args], { env: { ...env, ...(token && { IDSE_TOKEN: token }) }, encoding: 'utf8' }));

  const settings = gateway ? {} : { 'idse.remote': agency };
  const { page, shot } = await openEditor(later, 'day', { folder: root, home, env, settings });

  const stage = (name) => page.locator('.pane-body .monaco-list-row', { hasText: name });
  const problems = page.locator('.markers-panel');
  const says = (text) => page.locator('.notification-toast, .statusbar-item', { hasText: text }).first().waitFor();

  // An untrusted folder: findings are shown, and nothing can be sent.
  await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ timeout: 60_000 });
  await open(page, `${SESSION}/specs/spec.md`);
  await page.keyboard.press('Control+Shift+M');
  // The list shows what fits; the filter makes it short.
  await page.locator('.viewpane-filter input, .viewpane-filter-container input').first().fill('section');
  await problems.getByText('is missing').first().waitFor();
  await shot('restricted');
  await command(page, 'Workspaces: Manage Workspace Trust');
  await page.locator('.workspace-trust-editor').getByText('Trust', { exact: true }).first().click();
  await page.locator('.workspace-trust-header.workspace-trust-trusted').waitFor();

  await step('a finding is shown and its quick fix inserts the section', async () => {
    await open(page, `${SESSION}/specs/spec.md`);
    await page.locator('.monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('Control+.');
    const fix = page.locator('.action-widget .monaco-list-row', { hasText: heading });
    await fix.first().waitFor();
    await shot('quick-fix');
    await fix.first().click();
    await page.locator('.tab.active.dirty').waitFor();
    await problems.getByText('is missing').first().waitFor({ state: 'detached' });
    await page.keyboard.press('Control+s');
    await page.locator('.tab.active:not(.dirty)').waitFor();
    assert.ok(fs.readFileSync(spec, 'utf8').includes(heading));
  });

  await step('the view shows the seven stages, and a push sends them', async () => {
    await command(page, 'IDSE: Focus on Sessions View');
    await stage('intent').first().waitFor();
    for (const name of ['context', 'spec', 'plan', 'tasks', 'implementation', 'feedback']) await stage(name).first().waitFor();
    await shot('view');
    await command(page, 'IDSE: Sync Project to Agency');
    if (token) {
      const offer = page.locator('.notification-toast', { hasText: '401' }).getByText('Set Token…');
      await offer.waitFor();
      await shot('no-token');
      await offer.click();
      const input = page.locator('.quick-input-widget input.input');
      await page.locator('.quick-input-widget', { hasText: 'The token for' }).waitFor();
      assert.equal(await input.getAttribute('type'), 'password');
      await input.fill(token);
      await page.keyboard.press('Enter');
      await says('is kept');
      await command(page, 'IDSE: Sync Project to Agency');
    }
    await says('Pushed');
    await shot('pushed');
    // The token is in no file of the workspace.
    if (token) assert.equal(spawnSync('grep', ['-rlF', token, root], { encoding: 'utf8' }).stdout, '');
    assert.deepEqual(idse(root, 'sync', 'status', '--agency', agency).outgoing, []);
  });

  // Another client changes the same line.
  const other = path.join(home, 'other');
  idse(other, 'sync', 'clone', 'customer-portal', '--agency', agency);
  const theirs = path.join(other, SESSION, 'intents/intent.md');
  const intent = path.join(root, SESSION, 'intents/intent.md');
  const lines = fs.readFileSync(theirs, 'utf8').split('\n');
  const title = lines.findIndex((line) => line.startsWith('# '));
  fs.writeFileSync(theirs, lines.with(title, '# Intent, as they say it').join('\n'));
  idse(other, 'sync', 'push', '--agency', agency);

  await step('a pull over unsaved work asks, and what both changed waits for a person', async () => {
    await open(page, `${SESSION}/intents/intent.md`);
    await page.locator('.monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('Shift+End');
    await page.keyboard.insertText('# Intent, as I say it');
    await page.locator('.tab.active.dirty').waitFor();
    await command(page, 'IDSE: Pull Latest from Agency');
    const question = page.locator('.monaco-dialog-box', { hasText: 'not saved' });
    await question.waitFor();
    await shot('unsaved');
    await question.getByText('Save and Pull').click();
    await says('Both sides changed intent');
    assert.match(fs.readFileSync(intent, 'utf8'), /as I say it/);
    await stage('intent').filter({ hasText: 'conflict' }).first().waitFor();
    await shot('conflict');
  });

  await step('a push refuses while the conflict is open', async () => {
    await command(page, 'Notifications: Clear All Notifications');
    await command(page, 'IDSE: Sync Project to Agency');
    await says('Both sides changed intent');
    assert.match(fs.readFileSync(theirs, 'utf8'), /as they say it/);
  });

  await step('both texts are shown beside each other', async () => {
    await command(page, 'Notifications: Clear All Notifications');
    await command(page, 'IDSE: Resolve Conflict');
    await pick(page, 'Compare with the agency');
    const diff = page.locator('.monaco-diff-editor');
    await diff.getByText('as they say it').first().waitFor();
    await diff.getByText('as I say it').first().waitFor();
    await shot('compare');
  });

  await step('the merged text is edited and accepted, and the next push is an ordinary one', async () => {
    await command(page, 'IDSE: Open Merged Text');
    await page.locator('.tab.active', { hasText: 'merged.md' }).waitFor();
    await page.locator('.monaco-editor').getByText('<<<<<<<').first().waitFor();
    await shot('merged');
    const merged = fs.readdirSync(path.join(root, '.idse/sync'), { recursive: true }).find((file) => file.endsWith(path.join('intent', 'merged.md')));
    const kept = fs.readFileSync(path.join(root, '.idse/sync', merged), 'utf8').replace(/^<{7,}[\s\S]*?^>{7,}.*$/m, '# Intent, as we say it');
    await page.locator('.monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(kept);
    await command(page, 'IDSE: Accept Merged Text');
    await says('intent is settled');
    await page.locator('.tab.active', { hasText: 'intent.md' }).waitFor();
    await page.locator('.tab', { hasText: 'merged.md' }).waitFor({ state: 'detached' });
    await command(page, 'IDSE: Sync Project to Agency');
    await says('Pushed intent');
    await shot('settled');
    idse(other, 'sync', 'pull', '--agency', agency);
    for (const file of [intent, theirs]) assert.match(fs.readFileSync(file, 'utf8'), /# Intent, as we say it/);
  });

  await step('a stage gets its status from the view', async () => {
    await stage('plan').first().hover();
    await stage('plan').first().getByRole('button', { name: 'Set Stage Status' }).click();
    await pick(page, 'In progress');
    await stage('plan').filter({ hasText: 'in progress' }).first().waitFor();
    await shot('status');
    assert.equal(idse(root, 'status').stages.find((line) => line.stage === 'plan').status, 'in_progress');
  });

  await step('what is typed is checked before it is saved', async () => {
    await open(page, `${SESSION}/plans/plan.md`);
    await page.locator('.monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+End');
    await page.locator('.viewpane-filter input, .viewpane-filter-container input').first().fill('empty');
    await page.locator('.monaco-editor .view-lines').first().click();
    await page.keyboard.insertText('\n\n## Phases\n');
    const empty = problems.locator('.monaco-list-row', { hasText: '“Phases” is empty' });
    await empty.waitFor();
    await shot('typing');
    await command(page, 'File: Revert File');
    await empty.waitFor({ state: 'detached' });
  });
});

test('an empty folder gets its first project', async (t) => {
  const { step, later, home, env } = begin(t);
  const folder = path.join(home, 'empty');
  fs.mkdirSync(folder);
  const settings = { 'security.workspace.trust.enabled': false };
  const { page, shot } = await openEditor(later, 'first', { folder, home, env, settings });

  await step('the view says what there is to do', async () => {
    await command(page, 'IDSE: Focus on Sessions View');
    await page.getByRole('button', { name: 'Create a Project' }).waitFor();
    await shot('welcome');
  });

  await step('four steps explain it', async () => {
    await command(page, 'IDSE: Get Started');
    await page.getByText('Say what you intend').first().waitFor();
    await shot('walkthrough');
  });

  await step('a project has its session and its seven stages at once', async () => {
    await page.getByRole('button', { name: 'Create a Project' }).first().click();
    const input = page.locator('.quick-input-widget input.input');
    await input.fill('no such/name');
    await page.locator('.quick-input-widget', { hasText: 'Letters, digits' }).waitFor();
    await input.fill('portal');
    await page.keyboard.press('Enter');
    await page.locator('.pane-body .monaco-list-row', { hasText: 'feedback' }).first().waitFor();
    await shot('project');
    assert.ok(fs.existsSync(path.join(folder, '.idse/projects/portal')));
  });
});
