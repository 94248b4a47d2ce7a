// Puts the parts together and listens to the editor.
import * as vscode from 'vscode';
import { Commands } from './commands';
import { Checker } from './diagnostics';
import { Documents, SCHEME } from './documents';
import { Engine } from './engine';
import { Model } from './model';
import { View } from './view';

/** How long to wait for more changes of files before everything is read anew. */
const SETTLE_MS = 250;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const engine = new Engine(context.secrets);
  const model = new Model(engine);
  const checker = new Checker(engine, model);
  const view = new View(model);
  const documents = new Documents(engine);
  const commands = new Commands(engine, model, checker, documents);
  context.subscriptions.push(engine.log, model, checker, view);
  commands.register(context);

  const files = vscode.workspace.createFileSystemWatcher('**/.idse/{projects,sync}/**');
  const artifacts: vscode.DocumentFilter[] = [{ scheme: 'file', language: 'markdown', pattern: '**/.idse/projects/*/sessions/**' }];
  const kinds = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
  const soon = debounced(() => void commands.refresh(), SETTLE_MS);
  context.subscriptions.push(
    files,
    files.onDidCreate(soon),
    files.onDidChange(soon),
    files.onDidDelete(soon),
    model.onDidChange(() => view.update()),
    vscode.window.createTreeView('idse.sessions', { treeDataProvider: view, showCollapseAll: true }),
    vscode.languages.registerCodeActionsProvider(artifacts, checker, kinds),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, documents),
    vscode.workspace.onDidChangeTextDocument(({ document }) => checker.typed(document)),
    vscode.workspace.onDidOpenTextDocument((document) => void checker.checkText(document)),
    vscode.workspace.onDidSaveTextDocument(soon),
    vscode.workspace.onDidCloseTextDocument((document) => checker.closed(document)),
    vscode.workspace.onDidChangeWorkspaceFolders(soon),
    vscode.workspace.onDidGrantWorkspaceTrust(soon),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('idse') && soon()),
    vscode.window.onDidChangeActiveTextEditor(() => view.updateItem()),
  );
  await commands.refresh();
}

/** Runs `work` once when no call came for a while. */
function debounced(work: () => void, ms: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  };
}
