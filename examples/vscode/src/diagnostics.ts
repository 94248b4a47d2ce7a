// The Problems panel: findings of the files, and of what is being typed into them.
import path from 'node:path';
import * as idse from 'idse-core';
import type { Diagnostic } from 'idse-core';
import * as vscode from 'vscode';
import type { Engine } from './engine';
import type { Model } from './model';
import { byPath, nextAfter, offersFor, rangeOf } from './findings';
import { artifactAt } from './place';

const SEVERITY = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

export const toRange = ({ start, end }: ReturnType<typeof rangeOf>) => new vscode.Range(start.line, start.character, end.line, end.character);

export class Checker implements vscode.Disposable, vscode.CodeActionProvider {
  private readonly shown = vscode.languages.createDiagnosticCollection('idse');
  private readonly found = new Map<string, readonly Diagnostic[]>();
  private readonly timers = new Map<string, NodeJS.Timeout>();

  constructor(
    private readonly engine: Engine,
    private readonly model: Model,
  ) {}

  dispose(): void {
    this.timers.forEach(clearTimeout);
    this.shown.dispose();
  }

  /** Checks all files of all folders. What is being typed keeps its own findings. */
  async checkFolders(): Promise<void> {
    const seen = new Set<string>();
    for (const root of this.model.roots()) {
      try {
        const report = await this.engine.local('validate', () => idse.validate({ root, all: true, utf16: true }));
        for (const [file, findings] of byPath(report.diagnostics)) {
          const uri = vscode.Uri.file(path.join(root, file));
          seen.add(uri.toString());
          if (!this.dirty(uri)) this.show(uri, findings);
        }
      } catch {
        // The log has it, and the view says that the folder cannot be read.
      }
    }
    for (const key of [...this.found.keys()]) {
      const uri = vscode.Uri.parse(key);
      if (!seen.has(key) && !this.dirty(uri)) this.show(uri, []);
    }
    await Promise.all(vscode.workspace.textDocuments.filter((document) => document.isDirty).map((document) => this.checkText(document)));
  }

  /** Checks what is being typed once the person pauses. */
  typed(document: vscode.TextDocument): void {
    if (!artifactAt(document.uri.fsPath) || document.uri.scheme !== 'file') return;
    const settings = vscode.workspace.getConfiguration('idse', document);
    if (!settings.get<boolean>('validate.onType', true)) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    const check = () => (this.timers.delete(key), void this.checkText(document));
    this.timers.set(key, setTimeout(check, settings.get<number>('validate.delay', 300)));
  }

  /** Checks the text of an editor. */
  async checkText(document: vscode.TextDocument): Promise<void> {
    const place = document.uri.scheme === 'file' ? artifactAt(document.uri.fsPath) : null;
    if (!place || document.isClosed) return;
    const { root, project, session, stage, path } = place;
    const { version } = document;
    const line = this.model.find(root, project, session)?.stages.find((line) => line.stage === stage);
    // What is complete is held to at least what is begun; the rest is said once it is saved.
    const status = line?.status === 'pending' ? 'pending' : 'in_progress';
    try {
      const report = await idse.validateText({ root, project, session, stage, status, path, text: document.getText() });
      if (document.version === version && !document.isClosed) this.show(document.uri, report.diagnostics);
    } catch (error) {
      this.engine.log.warn(`validate ${path}: ${(error as Error).message}`);
    }
  }

  /** An editor that closes without saving leaves what the file says. */
  closed(document: vscode.TextDocument): void {
    if (!artifactAt(document.uri.fsPath)) return;
    clearTimeout(this.timers.get(document.uri.toString()));
    void this.checkFolders();
  }

  private dirty(uri: vscode.Uri): boolean {
    const key = uri.toString();
    return vscode.workspace.textDocuments.some((document) => document.isDirty && document.uri.toString() === key);
  }

  private show(uri: vscode.Uri, findings: readonly Diagnostic[]): void {
    if (findings.length) this.found.set(uri.toString(), findings);
    else this.found.delete(uri.toString());
    this.shown.set(uri, findings.map(toDiagnostic));
  }

  provideCodeActions(document: vscode.TextDocument, _: vscode.Range, context: vscode.CodeActionContext): vscode.CodeAction[] {
    const findings = this.found.get(document.uri.toString()) ?? [];
    return context.diagnostics.flatMap((shown) => {
      const found = findings.find((it) => it.code === shown.code && it.message === messageOf(shown) && toRange(rangeOf(it)).isEqual(shown.range));
      return found ? offersFor(found, document.getText()).map((offer) => toAction(offer, document.uri, shown)) : [];
    });
  }

  /** Moves to the next place where the author is asked for something. */
  async nextMarker(code = 'IDSE101'): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return;
    const findings = (this.found.get(editor.document.uri.toString()) ?? []).filter((found) => found.code === code && found.span);
    const next = nextAfter(findings.map(rangeOf), editor.selection.active);
    if (!next) {
      void vscode.window.setStatusBarMessage('IDSE: no marker is left in this file', 3000);
      return;
    }
    editor.selection = new vscode.Selection(toRange(next).start, toRange(next).end);
    editor.revealRange(toRange(next), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }
}

const messageOf = (shown: vscode.Diagnostic) => shown.message.split('\n')[0];

function toDiagnostic(found: Diagnostic): vscode.Diagnostic {
  const shown = new vscode.Diagnostic(toRange(rangeOf(found)), `${found.message}\n${found.help}`, SEVERITY[found.severity]);
  shown.source = 'idse';
  shown.code = found.code;
  return shown;
}

function toAction(offer: ReturnType<typeof offersFor>[number], uri: vscode.Uri, shown: vscode.Diagnostic): vscode.CodeAction {
  const action = new vscode.CodeAction(offer.title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [shown];
  if (offer.kind === 'command') {
    action.command = { title: offer.title, command: offer.command, arguments: [offer.argument] };
  } else {
    action.isPreferred = offer.preferred;
    action.edit = new vscode.WorkspaceEdit();
    for (const { range, text } of offer.edits) action.edit.replace(uri, toRange(range), text);
  }
  return action;
}
