// Calls to the engine as this editor makes them: with its settings, its token, its log, and the person's consent.
import * as idse from 'idse-core';
import type { CallOptions } from 'idse-core';
import * as vscode from 'vscode';
import { failure } from './words';

/** Where a call works and whom it may connect to. */
export interface Where {
  readonly root: string;
  readonly project?: string;
  readonly session?: string;
  readonly remote?: string;
}

export class Engine {
  readonly log = vscode.window.createOutputChannel('IDSE', { log: true });

  constructor(private readonly secrets: vscode.SecretStorage) {}

  /** The options that say where: the place, and the agency of the settings unless the workspace's own files say it. */
  where({ root, project, session }: Where): Where {
    // In an untrusted workspace the editor keeps back what the folder's settings say.
    const remote = this.setting<string>('remote', root)?.trim();
    return { root, ...(project && { project }), ...(session && { session }), ...(remote && { remote }) };
  }

  setting<T>(name: string, root: string): T | undefined {
    return vscode.workspace.getConfiguration('idse', vscode.Uri.file(root)).get<T>(name);
  }

  /** The address of the agency, found without a connection; empty: the file of the person. */
  async address(where: Where): Promise<string> {
    if (where.session) return (await idse.status({ ...where, all: false })).remote.address;
    const { settings } = await idse.doctor(where);
    return settings.find((setting) => setting.key === 'remote')?.value ?? '';
  }

  /** Runs a local verb and says in the log what it was. */
  async local<T>(name: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      const answer = await work();
      this.log.debug(`${name}: ${(performance.now() - began).toFixed(0)} ms`);
      return answer;
    } catch (error) {
      this.log.warn(`${name}: ${error instanceof idse.IdseError ? `${error.code} ${failure(error)}` : String(error)}`);
      throw error;
    }
  }

  /**
   * Runs a verb that connects: only in a trusted workspace, with a progress that can be cancelled, with the token of
   * exactly this agency, and after a question where the folder names an agency that was not trusted yet.
   */
  async connecting<T>(title: string, where: Where, work: (options: Where & CallOptions) => Promise<T>): Promise<T | undefined> {
    if (!vscode.workspace.isTrusted) {
      const trust = 'Manage Trust';
      const answer = await vscode.window.showWarningMessage('IDSE sends and fetches nothing before you trust this folder.', trust);
      if (answer === trust) await vscode.commands.executeCommand('workbench.trust.manage');
      return undefined;
    }
    const attempt = () => this.local(title, () => this.withProgress(title, where, work));
    try {
      return await attempt();
    } catch (error) {
      if (await this.agreesToTrust(error)) return attempt();
      throw error;
    }
  }

  private async withProgress<T>(title: string, where: Where, work: (options: Where & CallOptions) => Promise<T>): Promise<T> {
    const timeoutMs = (this.setting<number>('sync.timeout', where.root) ?? 60) * 1000;
    const address = await this.address(where);
    const token = await this.secrets.get(secretOf(address));
    const env = token ? { ...process.env, IDSE_TOKEN: token } : process.env;
    const options = { location: vscode.ProgressLocation.Notification, title: `IDSE: ${title}`, cancellable: true };
    return vscode.window.withProgress(options, (progress, cancellation) => {
      const abort = new AbortController();
      cancellation.onCancellationRequested(() => abort.abort());
      const onProgress = ({ doing, what, done, total }: idse.Progress) => {
        this.log.trace(`${title}: ${doing} ${what} ${done}/${total ?? '?'}`);
        progress.report({ message: `${doing} ${what}` });
      };
      return work({ ...where, env, timeoutMs, signal: abort.signal, onProgress });
    });
  }

  /** Asks the person where a folder names an agency that nobody agreed to yet. */
  private async agreesToTrust(error: unknown): Promise<boolean> {
    if (!(error instanceof idse.IdseError) || error.reason !== 'untrusted') return false;
    const url = error.details['origin'];
    if (!url) return false;
    const trust = 'Trust and Go On';
    const detail = 'This folder names it as its agency. Your artifacts, and the token that you set for it, would go there.';
    const answer = await vscode.window.showWarningMessage(`Do you trust ${url}?`, { modal: true, detail }, trust);
    if (answer !== trust) return false;
    await this.local('trust', () => idse.trust({ url }));
    return true;
  }

  /** Keeps a token for one agency in the editor's secret storage, or forgets it where it is empty. */
  async keepToken(address: string, token: string): Promise<void> {
    if (token) await this.secrets.store(secretOf(address), token);
    else await this.secrets.delete(secretOf(address));
  }
}

/** A token belongs to one origin: another agency never gets it. */
function secretOf(address: string): string {
  return `idse.token ${URL.canParse(address) && /^https?:/.test(address) ? new URL(address).origin : address}`;
}
