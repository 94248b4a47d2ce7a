// What a person can ask for. Each command finds out what it is about, asks the engine, and says how it went.
import fs from 'node:fs';
import path from 'node:path';
import * as idse from 'idse-core';
import type { Stage, StageStatus, SyncFields } from 'idse-core';
import * as vscode from 'vscode';
import type { Checker } from './diagnostics';
import type { Documents } from './documents';
import type { Engine } from './engine';
import type { Model } from './model';
import { artifactAt, conflictOf, fileOf, STAGES, type SessionPlace } from './place';
import type { Row } from './view';
import { failure, outcome, summary } from './words';

/** A session, and a stage of it where the command is about one. */
type Target = SessionPlace & { readonly stage?: Stage };

export class Commands {
  constructor(
    private readonly engine: Engine,
    private readonly model: Model,
    private readonly checker: Checker,
    private readonly documents: Documents,
  ) {}

  register(context: vscode.ExtensionContext): void {
    const handlers: Record<string, (argument?: never) => unknown> = {
      syncPush: (row?: Row) => this.sync('push', row),
      syncPull: (row?: Row) => this.sync('pull', row),
      validate: () => this.validate(),
      showDiff: (row?: Row) => this.withStage(row, (target) => this.documents.showChanges(target, target.stage)),
      resolve: (row?: Row) => this.withConflict(row, (target) => this.resolve(target)),
      compareRemote: (row?: Row) => this.withConflict(row, (target) => this.showSide(target, 'remote')),
      compareBase: (row?: Row) => this.withConflict(row, (target) => this.showSide(target, 'base')),
      acceptLocal: (row?: Row) => this.withConflict(row, (target) => this.settle(target, 'local')),
      acceptRemote: (row?: Row) => this.withConflict(row, (target) => this.settle(target, 'remote')),
      openMerged: (row?: Row) => this.withConflict(row, (target) => this.openMerged(target)),
      acceptMerged: () => this.acceptMerged(),
      setStatus: (row?: Row) => this.withStage(row, (target) => this.setStatus(target)),
      createSession: (row?: Row) => this.createSession(row),
      switchSession: (row?: Row) => this.switchSession(row),
      init: () => this.init(),
      clone: () => this.clone(),
      undo: () => this.undo(),
      setToken: () => this.setToken(),
      openDashboard: () => this.openDashboard(),
      refresh: () => this.refresh(),
      nextMarker: (code?: string) => this.checker.nextMarker(code),
      openRule: (code?: string) => this.openRule(code),
      copyInfo: () => this.copyInfo(),
      openWalkthrough: () => vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#start`),
      menu: () => this.menu(),
    };
    for (const [name, handler] of Object.entries(handlers)) {
      const run = (argument?: never) => this.guarded(name, () => handler(argument));
      context.subscriptions.push(vscode.commands.registerCommand(`idse.${name}`, run));
    }
  }

  /** Runs a command and says what it could not do. Who cancels need not be told. */
  private async guarded(name: string, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof idse.IdseError && error.code === 'Cancelled') return;
      this.engine.log.error(`${name}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
      const [log, token] = ['Show Log', 'Set Token…'];
      // Here a token is not kept where the engine's advice looks for it.
      const lacks = error instanceof idse.IdseError && error.code === 'Unauthorized' && error.reason !== 'untrusted';
      const said = failure(lacks ? { message: error.message } : (error as Error));
      const answer = await vscode.window.showErrorMessage(`IDSE: ${said}`, ...(lacks ? [token, log] : [log]));
      if (answer === log) this.engine.log.show();
      if (answer === token) await vscode.commands.executeCommand('idse.setToken');
    }
  }

  async refresh(): Promise<void> {
    await this.model.refresh();
    await this.checker.checkFolders();
  }

  private async validate(): Promise<void> {
    await this.refresh();
    await vscode.commands.executeCommand('workbench.actions.view.problems');
  }

  // Finding out what a command is about

  private async target(row?: Row): Promise<Target | undefined> {
    if (row?.kind === 'stage') return { root: row.root, project: row.project, session: row.session, stage: row.line.stage };
    if (row?.kind === 'session') return { root: row.root, project: row.project, session: row.session };
    const active = this.model.active();
    if (active) return { root: active.root, project: active.status.project, session: active.status.session };
    if (this.model.folders.every((folder) => folder.sessions.length === 0)) await this.model.refresh();
    const items = this.model.folders.flatMap(({ root, sessions }) =>
      sessions.map(({ project, session, current }) => ({ label: `${project}/${session}`, description: current ? 'current' : '', root, project, session })));
    if (items.length === 0) throw new Error('There is no session in this folder. Create a project first.');
    return items.length === 1 ? items[0] : vscode.window.showQuickPick(items, { placeHolder: 'Which session?' });
  }

  private async withStage(row: Row | undefined, work: (target: Required<Target>) => unknown): Promise<void> {
    const file = vscode.window.activeTextEditor?.document.uri.fsPath;
    const target = row ? await this.target(row) : ((file && artifactAt(file)) || (await this.target()));
    if (!target) return;
    const stage = target.stage ?? ((await vscode.window.showQuickPick(STAGES, { placeHolder: 'Which stage?' })) as Stage | undefined);
    if (stage) await work({ ...target, stage });
  }

  private async withConflict(row: Row | undefined, work: (target: Required<Target>) => unknown): Promise<void> {
    if (row?.kind === 'stage') return void (await work({ ...(await this.target(row))!, stage: row.line.stage } as Required<Target>));
    const file = vscode.window.activeTextEditor?.document.uri.fsPath;
    const open = this.model.folders.flatMap(({ root, sessions }) =>
      sessions.flatMap(({ project, session, stages }) => stages.filter((line) => line.conflict).map(({ stage, conflict }) =>
        ({ label: stage, description: `${project}/${session}`, detail: conflict ?? '', root, project, session, stage }))));
    if (open.length === 0) return void vscode.window.showInformationMessage('IDSE: there is no open conflict.');
    const here = open.find((it) => path.join(it.root, fileOf(it, it.stage)) === file);
    const chosen = here ?? (open.length === 1 ? open[0] : await vscode.window.showQuickPick(open, { placeHolder: 'Which conflict?' }));
    if (chosen) await work({ root: chosen.root, project: chosen.project, session: chosen.session, stage: chosen.stage });
  }

  /** Saves what is being typed into the files of a session, after a question. False: the person does not want to. */
  private async saved(target: Target, verb: string): Promise<boolean> {
    const { root, project, session, stage } = target;
    const isOurs = (document: vscode.TextDocument) => {
      const place = document.isDirty && document.uri.scheme === 'file' ? artifactAt(document.uri.fsPath) : null;
      return place?.root === root && place.project === project && place.session === session && (!stage || place.stage === stage);
    };
    const dirty = vscode.workspace.textDocuments.filter(isOurs);
    if (dirty.length === 0) return true;
    const names = dirty.map((document) => path.basename(document.uri.fsPath)).join(', ');
    const save = `Save and ${verb}`;
    const answer = await vscode.window.showWarningMessage(`${names} has changes that are not saved.`, { modal: true }, save);
    if (answer !== save) return false;
    const results = await Promise.all(dirty.map((document) => document.save()));
    if (results.includes(false)) throw new Error(`${names} could not be saved; nothing was done.`);
    return true;
  }

  // Sync

  private async sync(verb: 'push' | 'pull', row?: Row): Promise<void> {
    const target = await this.target(row);
    if (!target || !(await this.saved(target, verb === 'push' ? 'Push' : 'Pull'))) return;
    const { root, project, session, stage } = target;
    const agent = this.engine.setting<string>('agent', root)?.trim();
    const name = `${verb} ${stage ? `${stage} of ` : ''}${project}/${session}`;
    const report = await this.engine.connecting(name, this.engine.where(target), (where) => {
      const options = { ...where, ...(stage && { stages: [stage] }) };
      return verb === 'push' ? idse.push({ ...options, ...(agent && { agent }), all: false }) : idse.pull({ ...options, all: false });
    });
    await this.refresh();
    if (report) await this.say(target, report);
  }

  private async say(target: Target, report: SyncFields): Promise<void> {
    const { level, message, offer } = outcome(report);
    this.engine.log.info(message, ...report.notes);
    if (level === 'quiet') return void vscode.window.setStatusBarMessage(`$(check) IDSE: ${message}`, 6000);
    const answer = await vscode.window.showWarningMessage(`IDSE: ${message}`, ...(offer ? [offer] : []));
    if (answer === 'Show Problems') await vscode.commands.executeCommand('workbench.actions.view.problems');
    const stage = report.conflicts[0]?.stage;
    if (answer === 'Resolve…' && stage) {
      if (report.conflicts.length > 1) await vscode.commands.executeCommand('idse.resolve');
      else await this.resolve({ ...target, stage });
    }
  }

  // Conflicts

  private async resolve(target: Required<Target>): Promise<void> {
    const items = [
      { label: '$(diff) Compare with the agency’s text', run: () => this.showSide(target, 'remote') },
      { label: '$(diff) Compare with the common base', run: () => this.showSide(target, 'base') },
      { label: '$(git-merge) Open the merged text', detail: 'With markers around each place; accept it when they are gone.', run: () => this.openMerged(target) },
      { label: '$(device-desktop) Accept local', detail: 'The file as it is now. The next push sends it.', run: () => this.settle(target, 'local') },
      { label: '$(cloud) Accept remote', detail: 'The agency’s text replaces the file; what it held is kept.', run: () => this.settle(target, 'remote') },
    ];
    const chosen = await vscode.window.showQuickPick(items, { placeHolder: `Both sides changed ${target.stage}`, matchOnDetail: true });
    await chosen?.run();
  }

  private async key(target: Target): Promise<string> {
    const known = this.model.find(target.root, target.project, target.session);
    const status = known ?? (await idse.status({ ...this.engine.where(target), all: false }));
    return status.remote.key;
  }

  private async showSide(target: Required<Target>, side: 'remote' | 'base'): Promise<void> {
    await this.documents.showSide(target, target.stage, await this.key(target), side);
  }

  private async openMerged(target: Required<Target>): Promise<void> {
    const file = path.join(target.root, conflictOf(await this.key(target), target, target.stage), 'merged.md');
    if (!fs.existsSync(file)) throw new Error(`There is nothing to merge in ${target.stage}: one side has no text. Accept local or remote.`);
    await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false });
  }

  private async settle(target: Required<Target>, resolution: 'local' | 'remote' | 'merged'): Promise<void> {
    if (!(await this.saved(target, 'Resolve'))) return;
    const { stage } = target;
    const report = await this.engine.local('resolve', () => idse.resolve({ ...this.engine.where(target), stage, resolution }));
    await this.refresh();
    const next = report.push ? ' The next push sends it.' : '';
    vscode.window.setStatusBarMessage(`$(check) IDSE: ${stage} is settled.${next}`, 6000);
  }

  /** Takes the merged text that is open in the editor. */
  private async acceptMerged(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const found = /^(.+)[\\/]\.idse[\\/]sync[\\/][^\\/]+[\\/]conflicts[\\/]([^\\/]+)[\\/]([^\\/]+)[\\/]([^\\/]+)[\\/]merged\.md$/.exec(document?.uri.fsPath ?? '');
    if (!document || !found) return;
    if (document.isDirty && !(await document.save())) throw new Error('merged.md could not be saved; nothing was done.');
    const [, root, project, session, stage] = found as unknown as [string, string, string, string, Stage];
    await this.settle({ root, project, session, stage }, 'merged');
    const isIt = ({ input }: vscode.Tab) => input instanceof vscode.TabInputText && input.uri.toString() === document.uri.toString();
    await vscode.window.tabGroups.close(vscode.window.tabGroups.all.flatMap((group) => group.tabs.filter(isIt)));
    await vscode.window.showTextDocument(vscode.Uri.file(path.join(root, fileOf({ project, session }, stage))));
  }

  // Local verbs

  private async setStatus({ root, project, session, stage }: Required<Target>): Promise<void> {
    const items: { label: string; status: StageStatus }[] = [
      { label: '$(circle-large-outline) Pending', status: 'pending' },
      { label: '$(play-circle) In progress', status: 'in_progress' },
      { label: '$(pass-filled) Complete', status: 'complete' },
    ];
    const chosen = await vscode.window.showQuickPick(items, { placeHolder: `How far is ${stage}?` });
    if (!chosen) return;
    const agent = this.engine.setting<string>('agent', root)?.trim();
    await this.engine.local('set status', () => idse.setStage({ root, project, session, stage, status: chosen.status, ...(agent && { agent }) }));
    await this.refresh();
  }

  private async folder(): Promise<string | undefined> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    return folders.length <= 1 ? folders[0]?.uri.fsPath : (await vscode.window.showWorkspaceFolderPick())?.uri.fsPath;
  }

  private async init(): Promise<void> {
    const root = await this.folder();
    if (!root) throw new Error('Open a folder first.');
    const project = await vscode.window.showInputBox({ prompt: 'The name of the project', validateInput: named });
    if (!project) return;
    await this.engine.local('init', () => idse.init({ root, project }));
    await this.refresh();
    await vscode.commands.executeCommand('idse.sessions.focus');
  }

  private async createSession(row?: Row): Promise<void> {
    const target = row?.kind === 'project' ? row : await this.target(row);
    if (!target) return;
    const session = await vscode.window.showInputBox({ prompt: `The name of the new session in ${target.project}`, validateInput: named });
    if (!session) return;
    const { root, project } = target;
    await this.engine.local('create session', () => idse.createSession({ root, project, session }));
    await this.refresh();
    await vscode.window.showTextDocument(vscode.Uri.file(path.join(root, fileOf({ project, session }, 'intent'))));
  }

  private async switchSession(row?: Row): Promise<void> {
    const items = this.model.folders.flatMap(({ root, sessions }) =>
      sessions.filter((status) => !status.current).map(({ project, session }) => ({ label: session, description: project, root, project, session })));
    const chosen = row?.kind === 'session' ? row : await vscode.window.showQuickPick(items, { placeHolder: 'Which session becomes the current one?' });
    if (!chosen) return;
    const { root, project, session } = chosen;
    await this.engine.local('switch session', () => idse.switchSession({ root, project, session }));
    await this.refresh();
  }

  private async clone(): Promise<void> {
    const root = await this.folder();
    if (!root) throw new Error('Open a folder first.');
    const listed = await this.engine.connecting('list projects', this.engine.where({ root }), (where) => idse.listRemote(where));
    if (!listed) return;
    const items = listed.projects.map(({ name, project_id, updated_at }) => ({ label: name, description: updated_at ?? '', detail: project_id }));
    const chosen = await vscode.window.showQuickPick(items, { placeHolder: `Which project of ${listed.remote.address}?` });
    if (!chosen) return;
    await this.engine.connecting(`clone ${chosen.label}`, this.engine.where({ root }), (where) => idse.clone({ ...where, name: chosen.detail }));
    await this.refresh();
  }

  private async undo(): Promise<void> {
    const root = (await this.target())?.root;
    if (!root) return;
    const preview = await this.engine.local('undo', () => idse.undo({ root, dryRun: true }));
    const yes = 'Undo';
    const detail = [preview.stages.length ? `Files: ${preview.stages.join(', ')}` : 'No file changes.', ...preview.notes].join('\n');
    const answer = await vscode.window.showWarningMessage(`Take back the last ${preview.verb} of ${preview.project}/${preview.session}?`, { modal: true, detail }, yes);
    if (answer !== yes || !(await this.saved({ root, project: preview.project, session: preview.session }, 'Undo'))) return;
    await this.engine.local('undo', () => idse.undo({ root, op: preview.undone }));
    await this.refresh();
  }

  /** The folder that a command is about which needs no session, and the session of it where there is one. */
  private async somewhere(): Promise<Target | { root: string } | undefined> {
    const active = this.model.active();
    if (active) return { root: active.root, project: active.status.project, session: active.status.session };
    const root = this.model.roots()[0] ?? (await this.folder());
    return root ? { root } : undefined;
  }

  private async setToken(): Promise<void> {
    const where = await this.somewhere();
    if (!where) throw new Error('Open a folder first.');
    const address = await this.engine.address(this.engine.where(where));
    if (!/^https?:/.test(address)) return void vscode.window.showInformationMessage(`IDSE: ${address || 'this agency'} needs no token.`);
    const token = await vscode.window.showInputBox({ prompt: `The token for ${new URL(address).origin}; empty forgets it`, password: true, ignoreFocusOut: true });
    if (token === undefined) return;
    await this.engine.keepToken(address, token.trim());
    vscode.window.setStatusBarMessage(`IDSE: the token for ${new URL(address).origin} is ${token.trim() ? 'kept' : 'forgotten'}.`, 6000);
  }

  private async openDashboard(): Promise<void> {
    const where = await this.somewhere();
    const named = where && this.engine.setting<string>('dashboard.url', where.root)?.trim();
    const address = named || (where ? await this.engine.address(this.engine.where(where)) : '');
    if (/^https?:/.test(address)) return void (await vscode.env.openExternal(vscode.Uri.parse(named || new URL('/', address).href)));
    void vscode.window.showInformationMessage('IDSE: run `idse dashboard` in a terminal, or set idse.dashboard.url to the address of your gateway.');
  }

  private async openRule(code?: string): Promise<void> {
    const items = async () => (await idse.explain()).rules.map(({ code, name, summary }) => ({ label: code, description: name, detail: summary }));
    const chosen = code ?? (await vscode.window.showQuickPick(items(), { placeHolder: 'Which rule?', matchOnDescription: true }))?.label;
    if (chosen) await this.documents.showRule(chosen);
  }

  /** What a report of a defect needs. The engine's settings never hold a secret. */
  private async copyInfo(): Promise<void> {
    const where = await this.somewhere();
    const doctor = where ? await idse.doctor(this.engine.where({ root: where.root })) : null;
    const about = { vscode: vscode.version, node: process.version, platform: `${process.platform}-${process.arch}`, doctor };
    await vscode.env.clipboard.writeText(JSON.stringify(about, null, 2));
    vscode.window.setStatusBarMessage('IDSE: copied.', 3000);
  }

  private async menu(): Promise<void> {
    const status = this.model.active()?.status;
    const items = [
      { label: '$(cloud-upload) Push', command: 'idse.syncPush' },
      { label: '$(cloud-download) Pull', command: 'idse.syncPull' },
      ...(status?.stages.some((line) => line.conflict) ? [{ label: '$(git-merge) Resolve a conflict…', command: 'idse.resolve' }] : []),
      { label: '$(list-tree) Show the sessions', command: 'idse.sessions.focus' },
      { label: '$(checklist) Validate', command: 'idse.validate' },
      { label: '$(output) Show the log', command: 'idse.log' },
    ];
    const title = status ? `${status.project}/${status.session} ${summary(status)}`.trim() : 'IDSE';
    const chosen = await vscode.window.showQuickPick(items, { placeHolder: title });
    if (chosen?.command === 'idse.log') this.engine.log.show();
    else if (chosen) await vscode.commands.executeCommand(chosen.command);
  }
}

/** What the engine takes as a name; it has the last word. */
function named(name: string): string | null {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && !name.endsWith('.') ? null : 'Letters, digits, _, - and dots; at most 64; no dot at the end.';
}
