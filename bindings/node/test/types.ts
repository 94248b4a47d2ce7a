// What tsc must accept, and what it must refuse: `npx tsc -p test` checks it; nothing runs it.
import * as idse from 'idse-core';
import { IdseError, explain, push, resolve, statusSync, validate, validateText } from 'idse-core';
import type { Diagnostic, Progress, Stage, Status, Statuses, SyncReport, SyncReports } from 'idse-core';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

export async function accepted(signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<void> {
  const report = await validate({ root: new URL('file:///work'), stages: ['spec'], signal, onProgress, timeoutMs: 5, utf16: true });
  same<typeof report.kind, 'validation-report'>(true);
  const found: Diagnostic | undefined = report.diagnostics[0];
  const character: number | undefined = found?.span?.start.utf16?.character;
  void character;

  const one = await push({ agent: 'me' });
  same<typeof one, SyncReport>(true);
  const all = await push({ all: true });
  same<typeof all, SyncReports>(true);
  const unknown = await push({ all: signal.aborted });
  same<typeof unknown, SyncReport | SyncReports>(true);
  if (unknown.kind === 'sync-reports') unknown.errors[0]?.error.kind;
  same<ReturnType<typeof statusSync>, Status>(true);
  const statuses: Statuses = statusSync({ all: true });
  void statuses;

  const rules = await explain();
  same<typeof rules.kind, 'rules'>(true);
  const rule = await explain({ rule: 'IDSE101' });
  same<typeof rule.kind, 'rule'>(true);
  await resolve({ stage: 'spec', resolution: 'merged' });
  await resolve({ stage: 'spec', text: '' });
  await idse.version({ env: process.env });

  try {
    await push();
  } catch (error) {
    if (error instanceof IdseError && error.code === 'Unauthorized') same<typeof error.hint, string | null>(true);
  }
}

export async function refused(stage: Stage): Promise<void> {
  const report = await validateText({ stage, text: '' });
  // @ts-expect-error: documents are read-only
  report.summary.errors = 1;
  // @ts-expect-error: lists are read-only
  report.diagnostics.push(report.diagnostics[0]!);
  // @ts-expect-error: there is no such stage
  await validate({ stages: ['design'] });
  // @ts-expect-error: the text is required
  await validateText({ stage });
  // @ts-expect-error: options are in camel case
  await push({ dry_run: true });
  // @ts-expect-error: a signal cannot reach what holds the event loop
  idse.validateSync({ signal: new AbortController().signal });
  // @ts-expect-error: what connects has no twin
  idse.pushSync;
  // @ts-expect-error: the answer is one of the two
  await resolve({ stage, resolution: 'merged', text: '' });
  // @ts-expect-error: it would connect
  statusSync({ remoteCheck: true });
  // @ts-expect-error: it would connect
  idse.diffSync({ against: 'remote' });
  // @ts-expect-error: the engine makes the errors
  new IdseError();
}
