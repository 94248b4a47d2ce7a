// What the view, the status item and the commands know: the status of every session of every open folder.
import fs from 'node:fs';
import path from 'node:path';
import * as idse from 'idse-core';
import type { Failure, StatusFields } from 'idse-core';
import * as vscode from 'vscode';
import type { Engine } from './engine';
import { artifactAt } from './place';

export interface Folder {
  readonly root: string;
  readonly projects: readonly string[];
  readonly sessions: readonly StatusFields[];
  readonly failures: readonly Failure[];
  readonly trouble: string | null;
}

export class Model implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  folders: readonly Folder[] = [];
  private running: Promise<void> | undefined;
  private again = false;

  constructor(private readonly engine: Engine) {}

  dispose(): void {
    this.changed.dispose();
  }

  /** The open folders that are workspaces. */
  roots(): string[] {
    const folders = vscode.workspace.workspaceFolders ?? [];
    return folders.map((folder) => folder.uri.fsPath).filter((root) => fs.existsSync(path.join(root, '.idse', 'projects')));
  }

  /** Reads everything anew; calls that come meanwhile share one more reading. */
  refresh(): Promise<void> {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    const read = async () => {
      do {
        this.again = false;
        this.folders = await Promise.all(this.roots().map((root) => this.read(root)));
      } while (this.again);
    };
    this.running = read().finally(() => {
      this.running = undefined;
      void vscode.commands.executeCommand('setContext', 'idse.ready', true);
      void vscode.commands.executeCommand('setContext', 'idse.hasProject', this.folders.some((folder) => folder.projects.length > 0));
      this.changed.fire();
    });
    return this.running;
  }

  private async read(root: string): Promise<Folder> {
    try {
      const where = this.engine.where({ root });
      const [{ projects }, statuses] = await this.engine.local('status', () => Promise.all([idse.projects({ root }), idse.status({ ...where, all: true })]));
      return { root, projects, sessions: statuses.reports, failures: statuses.errors, trouble: null };
    } catch (error) {
      return { root, projects: [], sessions: [], failures: [], trouble: (error as Error).message };
    }
  }

  find(root: string, project: string, session: string): StatusFields | undefined {
    return this.folders.find((folder) => folder.root === root)?.sessions.find((it) => it.project === project && it.session === session);
  }

  /** The session that the person works in: that of the active editor, else the current one of the only project. */
  active(): { root: string; status: StatusFields } | undefined {
    const file = vscode.window.activeTextEditor?.document.uri.fsPath;
    const place = file ? artifactAt(file) : null;
    const status = place && this.find(place.root, place.project, place.session);
    if (place && status) return { root: place.root, status };
    const current = this.folders.flatMap(({ root, sessions }) => sessions.filter((it) => it.current).map((status) => ({ root, status })));
    return current.length === 1 ? current[0] : undefined;
  }
}
