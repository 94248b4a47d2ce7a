// The view: folders where there are several, projects, sessions, and the seven stages of each.
import path from 'node:path';
import type { StageLine, StatusFields } from 'idse-core';
import * as vscode from 'vscode';
import type { Folder, Model } from './model';
import { fileOf, type SessionPlace } from './place';
import { failureRow, sessionRow, stageRow, statusItem, type Shown } from './words';

export type Row =
  | { readonly kind: 'folder'; readonly folder: Folder }
  | { readonly kind: 'project'; readonly root: string; readonly project: string }
  | ({ readonly kind: 'session'; readonly status: StatusFields } & SessionPlace)
  | ({ readonly kind: 'stage'; readonly line: StageLine } & SessionPlace)
  | { readonly kind: 'trouble'; readonly label: string; readonly shown: Shown };

export class View implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly item = vscode.window.createStatusBarItem('idse', vscode.StatusBarAlignment.Left, 50);

  constructor(private readonly model: Model) {
    this.item.name = 'IDSE';
    this.item.command = 'idse.menu';
  }

  dispose(): void {
    this.item.dispose();
    this.changed.dispose();
  }

  /** Shows what the model knows now. */
  update(): void {
    this.changed.fire();
    this.updateItem();
  }

  updateItem(): void {
    const { text, tooltip } = statusItem(this.model.active()?.status);
    this.item.text = text;
    this.item.tooltip = tooltip;
    if (this.model.folders.length) this.item.show();
    else this.item.hide();
  }

  getChildren(row?: Row): Row[] {
    if (!row) {
      const folders = this.model.folders.filter((folder) => folder.projects.length || folder.trouble);
      return folders.length > 1 ? folders.map((folder) => ({ kind: 'folder', folder })) : folders.flatMap(inFolder);
    }
    switch (row.kind) {
      case 'folder':
        return inFolder(row.folder);
      case 'project': {
        const folder = this.model.folders.find((folder) => folder.root === row.root);
        const sessions = folder?.sessions.filter((status) => status.project === row.project) ?? [];
        const failures = folder?.failures.filter((failure) => failure.project === row.project) ?? [];
        const inOrder = [...sessions].sort((a, b) => Number(b.current) - Number(a.current));
        return [
          ...inOrder.map((status): Row => ({ kind: 'session', root: row.root, project: row.project, session: status.session, status })),
          ...failures.map((failure): Row => ({ kind: 'trouble', label: failure.session, shown: failureRow(failure) })),
        ];
      }
      case 'session': {
        const { root, project, session } = row;
        return row.status.stages.map((line) => ({ kind: 'stage', root, project, session, line }));
      }
      default:
        return [];
    }
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
    switch (row.kind) {
      case 'folder':
        return new vscode.TreeItem(path.basename(row.folder.root), Expanded);
      case 'project': {
        const item = new vscode.TreeItem(row.project, Expanded);
        item.id = `${row.root}\n${row.project}`;
        item.contextValue = 'project';
        item.iconPath = new vscode.ThemeIcon('package');
        return item;
      }
      case 'session':
        return dressed(new vscode.TreeItem(row.session, row.status.current ? Expanded : Collapsed), sessionRow(row.status), `${row.root}\n${row.project}\n${row.session}`);
      case 'stage': {
        const { root, project, session, line } = row;
        const item = dressed(new vscode.TreeItem(line.stage, None), stageRow(line), [root, project, session, line.stage].join('\n'));
        const uri = vscode.Uri.file(path.join(root, fileOf(row, line.stage)));
        item.command = { title: 'Open', command: 'vscode.open', arguments: [uri] };
        return item;
      }
      case 'trouble':
        return dressed(new vscode.TreeItem(row.label, None), row.shown);
    }
  }
}

function inFolder({ root, projects, trouble }: Folder): Row[] {
  if (trouble) return [{ kind: 'trouble', label: 'This folder cannot be read', shown: { icon: 'error', description: trouble, context: 'trouble', tooltip: trouble } }];
  return projects.map((project) => ({ kind: 'project', root, project }));
}

function dressed(item: vscode.TreeItem, shown: Shown, id?: string): vscode.TreeItem {
  item.id = id;
  item.description = shown.description;
  item.tooltip = shown.tooltip;
  item.contextValue = shown.context;
  item.iconPath = new vscode.ThemeIcon(shown.icon, shown.colour ? new vscode.ThemeColor(shown.colour) : undefined);
  return item;
}
