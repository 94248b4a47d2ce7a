// Read-only texts beside the files: the other sides of a stage, and the pages of the rules.
import fs from 'node:fs/promises';
import path from 'node:path';
import * as idse from 'idse-core';
import type { Stage } from 'idse-core';
import * as vscode from 'vscode';
import type { Engine } from './engine';
import { conflictOf, fileOf, type SessionPlace } from './place';
import { before } from './unified';

export const SCHEME = 'idse';

type Source =
  | { readonly of: 'conflict'; readonly file: string }
  | ({ readonly of: 'agreed'; readonly stage: Stage } & SessionPlace)
  | { readonly of: 'rule'; readonly code: string };

/** Names a text; `label` is what the editor shows. Each opening reads anew, hence the number. */
let openings = 0;
function uriOf(label: string, source: Source): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${label}`, query: JSON.stringify(source), fragment: String(++openings) });
}

export class Documents implements vscode.TextDocumentContentProvider {
  constructor(private readonly engine: Engine) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const source = JSON.parse(uri.query) as Source;
    switch (source.of) {
      case 'conflict':
        // A side that has no text has no file.
        return fs.readFile(source.file, 'utf8').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? '' : Promise.reject(error)));
      case 'agreed':
        return this.agreed(source);
      case 'rule':
        return (await idse.explain({ rule: source.code })).page;
    }
  }

  /** The text that both sides last agreed on: the file, with what changed since taken back. */
  private async agreed(place: SessionPlace & { stage: Stage }): Promise<string> {
    const { root, project, session, stage } = place;
    const where = this.engine.where({ root, project, session });
    const [{ stages }, loaded] = await Promise.all([idse.diff({ ...where, stages: [stage] }), idse.load({ root, project, session })]);
    const text = loaded.artifacts.find((artifact) => artifact.stage === stage)?.text ?? '';
    const diff = stages.find((it) => it.stage === stage)?.diff;
    return diff ? before(text, diff) : text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  }

  /** Opens what changed in a stage since both sides agreed. */
  async showChanges(place: SessionPlace, stage: Stage): Promise<void> {
    const { root, project, session } = place;
    await this.engine.local('diff', () => idse.diff({ ...this.engine.where({ root, project, session }), stages: [stage] }));
    const left = uriOf(`${stage} (agreed).md`, { of: 'agreed', root, project, session, stage });
    await this.compare(left, place, stage, `${stage}: agreed ↔ here`);
  }

  /** Opens a side of a conflict beside the file. */
  async showSide(place: SessionPlace, stage: Stage, key: string, side: 'remote' | 'base'): Promise<void> {
    const file = path.join(place.root, conflictOf(key, place, stage), `${side}.md`);
    const name = side === 'remote' ? 'agency' : 'base';
    await this.compare(uriOf(`${stage} (${name}).md`, { of: 'conflict', file }), place, stage, `${stage}: ${name} ↔ here`);
  }

  async showRule(code: string): Promise<void> {
    await vscode.commands.executeCommand('markdown.showPreview', uriOf(`${code}.md`, { of: 'rule', code }));
  }

  private async compare(left: vscode.Uri, place: SessionPlace, stage: Stage, title: string): Promise<void> {
    const right = vscode.Uri.file(path.join(place.root, fileOf(place, stage)));
    await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: true });
  }
}
